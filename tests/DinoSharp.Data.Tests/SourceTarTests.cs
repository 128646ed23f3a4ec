using System.Formats.Tar;
using System.Text;
using DinoSharp.Imaging;
using DinoSharp.Tests;

namespace DinoSharp.Data.Tests;

public sealed class SourceTarTests : IDisposable
{
    private const int Block = 512;

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(TarEntryFormat.V7, 20)]
    [InlineData(TarEntryFormat.Ustar, 60)] // in two parts, name and prefix
    [InlineData(TarEntryFormat.Gnu, 400)]
    [InlineData(TarEntryFormat.Pax, 400)]
    public void All_formats_are_read_with_names_as_long_as_they_allow(TarEntryFormat format, int length)
    {
        string folder = new string('d', length / 2) + "/" + new string('e', length / 2);
        string[] names = [$"{folder}/1.png", $"{folder}/ü.png", "./z/2.PNG"];
        byte[] tar = ImageArchives.Tar(format, [("readme.md", [1]), .. names.Select((name, i) => (name, TestFolder.Png(i)))]);
        using IImageSource source = ImageSources.Open(_folder.Write("a.tar", tar));
        Assert.Empty(source.Notices);
        Assert.Equal([names[0], names[1], "z/2.PNG"], Enumerable.Range(0, 3).Select(source.NameOf));
        using PixelImage expected = ImageDecoder.Decode(TestFolder.Png(1), "expected");
        Assert.Equal(expected.Pixels.ToArray(), SourceChecks.Pixels(source, 1));
        SourceChecks.AssertReadsAlike(source, isStreamed: false);
    }

    [Fact]
    public void Only_files_count_and_only_with_clean_names()
    {
        using MemoryStream memory = new();
        using (TarWriter writer = new(memory, TarEntryFormat.Pax, leaveOpen: true))
        {
            Write(new PaxGlobalExtendedAttributesTarEntry(new Dictionary<string, string> { ["comment"] = "of all" }));
            Write(new PaxTarEntry(TarEntryType.Directory, "a.png"));
            Write(new PaxTarEntry(TarEntryType.SymbolicLink, "b.png") { LinkName = "c.png" });
            Write(new PaxTarEntry(TarEntryType.HardLink, "d.png") { LinkName = "c.png" });
            Write(new PaxTarEntry(TarEntryType.Fifo, "e.png"));
            string[] names = ["c.png", "/etc/f.png", "../g.png", "h/../i.png", "a..b/..c.png", "j\nk.png", "c.png"];
            foreach ((int i, string name) in names.Index())
            {
                Write(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(TestFolder.Png(i)) });
            }

            void Write(TarEntry entry) => writer.WriteEntry(entry);
        }

        using IImageSource source = ImageSources.Open(_folder.Write("a.tar", memory.ToArray()));
        Assert.Equal("c.png=-", SourceChecks.Describe(source)); // ..c.png is hidden
        Assert.Contains("4 of its files are left alone", Assert.Single(source.Notices));
        using PixelImage last = ImageDecoder.Decode(TestFolder.Png(6), "the later of the name");
        Assert.Equal(last.Pixels.ToArray(), SourceChecks.Pixels(source, 0));
    }

    [Theory]
    [InlineData("77777777777\0", "damaged or cut short")] // 8 GB
    [InlineData("\u0080\0\0\0\u007f\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff", "damaged or cut short")]
    [InlineData("\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff", "damaged or cut short")] // negative
    [InlineData("\u0080\u0001\0\0\0\0\0\0\0\0\0\0", "damaged or cut short")] // beyond 64 bits
    [InlineData("00000000099\0", "damaged or cut short")] // no octal number
    public void A_size_that_cannot_be_keeps_the_images_before(string size, string reason)
    {
        byte[] tar = ImageArchives.Tar(TarEntryFormat.Ustar, ("1.png", TestFolder.Png(1)), ("2.png", TestFolder.Png(2)));
        int second = tar.AsSpan().IndexOf("2.png"u8);
        Encoding.Latin1.GetBytes(size).CopyTo(tar, second + 124);
        Sign(tar.AsSpan(second, Block));
        using IImageSource source = ImageSources.Open(_folder.Write("a.tar", tar));
        Assert.Equal("1.png=-", SourceChecks.Describe(source));
        string notice = Assert.Single(source.Notices);
        Assert.Contains("a.tar: it is", notice);
        Assert.Contains($"{reason}, from byte {second} on", notice);
    }

    [Fact]
    public void A_header_whose_sum_is_wrong_ends_the_archive()
    {
        byte[] tar = ImageArchives.Tar(TarEntryFormat.Ustar, ("1.png", TestFolder.Png(1)), ("2.png", TestFolder.Png(2)));
        int second = tar.AsSpan().IndexOf("2.png"u8);
        tar[second] = (byte)'3';
        using IImageSource source = ImageSources.Open(_folder.Write("a.tar", tar));
        Assert.Equal("1.png=-", SourceChecks.Describe(source));
        Assert.Contains($"it is damaged, from byte {second} on", Assert.Single(source.Notices));
    }

    [Fact]
    public void Large_sizes_and_old_sums_are_understood()
    {
        byte[] png = TestFolder.Png(1);
        byte[] tar = ImageArchives.Tar(TarEntryFormat.Gnu, ("é1.png", png));
        tar.AsSpan(124, 12).Clear();
        (tar[124], tar[134], tar[135]) = (0x80, (byte)(png.Length >> 8), (byte)png.Length);
        Sign(tar.AsSpan(0, Block), signed: true);
        using IImageSource source = ImageSources.Open(_folder.Write("a.tar", tar));
        SourceChecks.Pixels(source, 0);
    }

    [Fact]
    public void A_sparse_file_is_no_image()
    {
        byte[] tar = ImageArchives.Tar(TarEntryFormat.Gnu, ("1.png", TestFolder.Png(1)), ("2.png", TestFolder.Png(2)));
        tar[156] = (byte)'S';
        Sign(tar.AsSpan(0, Block));
        using IImageSource source = ImageSources.Open(_folder.Write("a.tar", tar));
        Assert.Equal("2.png=-", SourceChecks.Describe(source));
    }

    [Fact]
    public void Other_files_are_no_tar_archives()
    {
        SourceChecks.AssertRefused(_folder.Write("a.tar", "hello"u8.ToArray()), "no tar archive");
        SourceChecks.AssertRefused(_folder.Write("b.tar", new byte[10240]), "no images in it");
        SourceChecks.AssertRefused(_folder.Write("c.tar.gz", [0x1f, 0x8b]), "unpack it");
        SourceChecks.AssertRefused(_folder.Write("d.tgz", [0x1f, 0x8b]), "unpack it");
        SourceChecks.AssertRefused(_folder.Write("e.tar", [0x1f, 0x8b, .. new byte[600]]), "compressed");
    }

    [Fact]
    public void Damage_is_survived()
    {
        byte[] tar = ImageArchives.Tar(
            TarEntryFormat.Pax, ("cat/1.png", TestFolder.Png(1, 4, 4)), (new string('n', 120) + "/2.png", TestFolder.Png(2, 4, 4)));
        SourceChecks.AssertSurvivesDamage(Path.Combine(_folder.Path, "a.tar"), null, tar, flips: 600, cutEvery: 64, mostBytes: 8 << 20);
    }

    /// <summary>Writes a header's sum again.</summary>
    private static void Sign(Span<byte> header, bool signed = false)
    {
        header.Slice(148, 8).Fill((byte)' ');
        int sum = 0;
        foreach (byte value in header)
        {
            sum += signed ? (sbyte)value : value;
        }

        Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(header[148..]);
    }
}
