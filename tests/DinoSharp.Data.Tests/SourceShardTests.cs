using System.Formats.Tar;
using System.Globalization;
using System.Text;
using DinoSharp.Imaging;
using DinoSharp.Tests;

namespace DinoSharp.Data.Tests;

public sealed class SourceShardTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Files_that_share_a_key_are_a_sample()
    {
        WriteShard("b.tar", ("d/x.jpg.txt", "no image"), ("d/x.png", "1"), ("d/x.cls", "2"), ("y.json", """{"a": {"label": 9}, "label": 3}"""));
        WriteShard("a.tar", ("2.cls", " 0\n"), ("2.mask.png", "2"), ("2.png", "3"), ("1.json", """{"class": 1}"""), ("1.PNG", "4"), ("._1.png", "5"));
        _folder.Write("readme.md", []);
        using IImageSource source = ImageSources.Open(_folder.Path);
        Assert.Equal("a.tar/2.png=0 a.tar/1.PNG=1 b.tar/d/x.png=2", SourceChecks.Describe(source));
        Assert.Equal(["0", "1", "2"], source.Classes);
        Assert.Equal([0, 2], ((IStreamedSource)source).RunStarts);
        Assert.Equal(Noise(3), SourceChecks.Pixels(source, 0));
        SourceChecks.AssertReadsAlike(source, isStreamed: true);
    }

    [Fact]
    public void A_single_archive_with_classes_in_files_of_their_own_is_a_shard()
    {
        string path = WriteShard("a.tar", ("b.png", "1"), ("b.cls", "4"));
        using IImageSource source = ImageSources.Open(path);
        Assert.Equal("a.tar/b.png=4", SourceChecks.Describe(source));
        SourceChecks.AssertReadsAlike(source, isStreamed: true);
        SourceChecks.AssertRefused(path, "a shard has no splits", "train");
    }

    [Theory]
    [InlineData("1.cls", "none")]
    [InlineData("1.cls", "-1")]
    [InlineData("1.cls", "2000000000")]
    [InlineData("1.json", "{\"label\": 1.5}")]
    [InlineData("1.json", "{\"label\": ")]
    [InlineData("1.json", "[[[[")]
    [InlineData("1.txt", "7")] // a caption
    public void Without_a_number_for_each_sample_there_are_no_classes(string name, string content)
    {
        WriteShard("a.tar", ("0.png", "0"), ("0.cls", "5"), ("1.png", "1"), (name, content));
        using IImageSource source = ImageSources.Open(_folder.Path);
        Assert.Equal("a.tar/0.png=- a.tar/1.png=-", SourceChecks.Describe(source));
        Assert.Empty(source.Classes);
        Assert.Contains("1 of its 2 images have no class", Assert.Single(source.Notices));
    }

    [Fact]
    public void Splits_are_told_by_the_shards_names()
    {
        WriteShard("set-train-0.tar", ("0.png", "0"));
        WriteShard("w/train-0.tar", ("0.png", "0"));
        WriteShard("w/validation-0.tar", ("1.png", "1"));
        string set = Path.Combine(_folder.Path, "w");
        using IImageSource train = ImageSources.Open(set), val = ImageSources.Open(set, "val");
        Assert.Equal(("train-0.tar/0.png", "validation-0.tar/1.png"), (train.NameOf(0), val.NameOf(0)));
        SourceChecks.AssertRefused(set, "no", "test");
        using IImageSource braces = ImageSources.Open(set + "/{train,validation}-{0..0}.tar", "val");
        Assert.Equal("validation-0.tar/1.png", braces.NameOf(0));
    }

    [Theory]
    [InlineData("a{b,c}d", "abd acd")]
    [InlineData("{08..10}", "08 09 10")]
    [InlineData("{0..6..3}-{a,b}", "0-a 0-b 3-a 3-b 6-a 6-b")]
    [InlineData("{2..0}", "2 1 0")]
    [InlineData("{a,b{1..2}}x", "ax b1x b2x")]
    [InlineData("{x}{1,2}", "{x}1 {x}2")]
    [InlineData("a{,.b}", "a a.b")]
    public void Braces_expand_as_in_bash(string path, string expected) => Assert.Equal(expected.Split(' '), Braces.Expand(path));

    [Fact]
    public void Braces_without_end_are_refused() =>
        SourceChecks.AssertRefused("/data/{0..99999}-{0..99999}.tar", "more than");

    [Fact]
    public void A_few_missing_shards_are_told_and_many_refused()
    {
        for (int shard = 0; shard < 40; shard++)
        {
            WriteShard($"{shard:D2}.tar", ("0.png", "1"));
        }

        string path = Path.Combine(_folder.Path, "{00..39}.tar");
        File.Delete(Path.Combine(_folder.Path, "07.tar"));
        _folder.Write("08.tar", "no archive"u8.ToArray());
        using (IImageSource source = ImageSources.Open(path))
        {
            Assert.Equal(38, source.Count);
            Assert.Contains(source.Notices, notice => notice.Contains("07.tar: there is no such shard"));
            Assert.Contains(source.Notices, notice => notice.Contains("08.tar: it is cut short"));
            SourceChecks.AssertReadsAlike(source, isStreamed: true);
        }

        File.Delete(Path.Combine(_folder.Path, "09.tar"));
        SourceChecks.AssertRefused(path, "3 of its 40 shards are missing or no tar archives; fetch 07.tar, 08.tar, 09.tar");
    }

    [Fact]
    public void A_shard_that_changes_while_it_is_used_is_an_error_of_each_image()
    {
        string path = WriteShard("a.tar", [.. Enumerable.Range(0, 5).Select(i => ($"{i}.png", $"{i}"))]);
        WriteShard("b.tar", ("0.png", "9"));
        using IImageSource source = ImageSources.Open(_folder.Path);
        byte[] whole = File.ReadAllBytes(path);
        File.WriteAllBytes(path, whole[..(whole.Length / 2)]);
        using (IRunReader reader = ((IStreamedSource)source).OpenRun(0))
        {
            reader.Read(0).Dispose();
            Assert.Contains("a.tar/3.png: the archive ends before it", Assert.Throws<ImageFormatException>(() => reader.Read(3)).Message);
        }

        Assert.Contains("a.tar/4.png: the archive ends before it", Assert.Throws<ImageFormatException>(() => source.Load(4, new())).Message);
        File.Delete(path);
        Assert.Contains("a.tar", Assert.ThrowsAny<IOException>(() => source.Load(0, new())).Message);
        Assert.ThrowsAny<IOException>(() => ((IStreamedSource)source).OpenRun(0));
        Assert.Equal(Noise(9), SourceChecks.Pixels(source, 5));
    }

    [Fact]
    public void A_shard_that_is_cut_short_keeps_the_images_before()
    {
        string path = WriteShard("a.tar", [.. Enumerable.Range(0, 5).Select(i => ($"{i}.png", $"{i}"))]);
        byte[] whole = File.ReadAllBytes(path);
        int third = whole.AsSpan().IndexOf("3.png"u8);
        File.WriteAllBytes(path, whole[..(third + 600)]);
        using IImageSource source = ImageSources.Open(_folder.Path);
        Assert.Equal(3, source.Count);
        Assert.Contains($"a.tar: it is damaged or cut short, from byte {third} on; the images before are used", Assert.Single(source.Notices));
    }

    [Fact]
    public void Images_beside_shards_are_what_is_meant_and_the_shards_are_told()
    {
        WriteShard("a.tar", ("0.png", "1"));
        _folder.Write("b.png");
        using IImageSource source = ImageSources.Open(_folder.Path);
        Assert.Equal("b.png=-", SourceChecks.Describe(source));
        Assert.Contains("a.tar", Assert.Single(source.Notices));
    }

    [Fact]
    public void Damage_is_survived()
    {
        string path = WriteShard("a.tar", ("0.png", "0"), ("0.cls", "1"), ("1.png", "1"), ("1.json", "{\"label\": 0}"));
        byte[] whole = File.ReadAllBytes(path);
        string damaged = Path.Combine(_folder.Path, "{a,a}.tar");
        SourceChecks.AssertSurvivesDamage(path, damaged, whole, flips: 600, cutEvery: 64, mostBytes: 8 << 20);
    }

    private static byte[] Noise(int seed)
    {
        using PixelImage image = ImageDecoder.Decode(TestFolder.Png(seed, 8, 8), "expected");
        return image.Pixels.ToArray();
    }

    /// <summary>A shard; an image's content is given by its seed.</summary>
    private string WriteShard(string name, params (string Name, string Content)[] files) =>
        _folder.Write(name, ImageArchives.Tar(TarEntryFormat.Ustar, [.. files.Select(file => (file.Name, Content(file)))]));

    private static byte[] Content((string Name, string Content) file) =>
        int.TryParse(file.Content, NumberStyles.None, CultureInfo.InvariantCulture, out int seed) && ImageNames.HasImageExtension(Encoding.UTF8.GetBytes(file.Name))
            ? TestFolder.Png(seed, 8, 8)
            : Encoding.UTF8.GetBytes(file.Content);
}
