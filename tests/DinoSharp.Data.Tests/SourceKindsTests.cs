using System.Formats.Tar;
using System.IO.Compression;
using DinoSharp.Tests;

namespace DinoSharp.Data.Tests;

/// <summary>The same images are the same, whatever they lie in.</summary>
public sealed class SourceKindsTests : IDisposable
{
    private static readonly string[] Names = ["cat/1.png", "cat/2.png", "dog/3.png", "dog/4.png", "owl/ü𝄞.png"];

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Names_labels_and_pixels_agree_whatever_the_images_lie_in()
    {
        byte[][] images = [.. Names.Select((_, i) => TestFolder.Png(i))];
        int[] labels = [0, 0, 1, 1, 2];
        foreach ((int i, string name) in Names.Index())
        {
            _folder.Write("folder/" + name, images[i]);
        }

        (string, byte[])[] tree = [.. Names.Zip(images)];
        (string, byte[])[] samples = [.. Names.SelectMany((name, i) =>
            new[] { (name, images[i]), (name[..^3] + "cls", [(byte)('0' + labels[i]), (byte)'\n']) })];
        string[] opened =
        [
            Path.Combine(_folder.Path, "folder"),
            _folder.WriteZip("a.zip", CompressionLevel.Fastest, Names),
            _folder.Write("a.tar", ImageArchives.Tar(TarEntryFormat.Pax, tree)),
            Path.GetDirectoryName(_folder.Write("shards/a.tar", ImageArchives.Tar(TarEntryFormat.Pax, samples)))!,
            _folder.Write("a.parquet", ImageArchives.Parquet(
                [.. Names.Select((name, i) => ((string?)name, (byte[]?)images[i], (long)labels[i]))], ["cat", "dog", "owl"], rowsInGroup: 2)),
        ];
        using IImageSource expected = ImageSources.Open(opened[0]);
        Assert.Equal("cat/1.png=cat cat/2.png=cat dog/3.png=dog dog/4.png=dog owl/ü𝄞.png=owl", SourceChecks.Describe(expected));
        foreach (string path in opened)
        {
            using IImageSource source = ImageSources.Open(path);
            Assert.Empty(source.Notices);
            Assert.Equal(Names.Length, source.Count);
            for (int i = 0; i < Names.Length; i++)
            {
                Assert.EndsWith(Names[i], source.NameOf(i));
                Assert.Equal(labels[i], source.LabelOf(i));
                Assert.Equal(SourceChecks.Pixels(expected, i), SourceChecks.Pixels(source, i));
            }

            SourceChecks.AssertReadsAlike(source, path.Contains("shards") || path.EndsWith(".parquet", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_name_takes_its_bytes_and_few_more()
    {
        const int Images = 200_000;
        string zip = Path.Combine(_folder.Path, "many.zip");
        using (ZipArchive archive = ZipFile.Open(zip, ZipArchiveMode.Create))
        {
            for (int i = 0; i < Images; i++)
            {
                archive.CreateEntry($"n{i % 1000:D8}/n{i % 1000:D8}_{i:D8}.JPEG"); // as long as ImageNet's
            }
        }

        string list = _folder.WriteText("many.csv", "path,label\n" + string.Concat(
            Enumerable.Range(0, Images).Select(i => $"n{i % 1000:D8}/n{i % 1000:D8}_{i:D8}.JPEG,{i % 1000}\n")));
        foreach (string path in new[] { zip, list })
        {
            long before = GC.GetTotalMemory(forceFullCollection: true);
            using IImageSource source = ImageSources.Open(path);
            long taken = GC.GetTotalMemory(forceFullCollection: true) - before;
            Assert.Equal((Images, 1000), (source.Count, source.Classes.Count));
            Assert.InRange(taken / (double)Images, 30, 100);
        }
    }

    [Fact]
    public void A_folder_is_followed_through_links_but_not_in_circles()
    {
        _folder.Write("tree/a/1.png");
        _folder.Write("tree/b/2.png");
        _folder.Write("elsewhere/deep/3.png");
        string tree = Path.Combine(_folder.Path, "tree");
        Directory.CreateSymbolicLink(Path.Combine(tree, "a", "round"), tree);
        Directory.CreateSymbolicLink(Path.Combine(tree, "b", "out"), Path.Combine("..", "..", "elsewhere"));
        Directory.CreateSymbolicLink(Path.Combine(_folder.Path, "elsewhere", "up"), _folder.Path);
        File.CreateSymbolicLink(Path.Combine(tree, "b", "4.png"), Path.Combine(tree, "a", "1.png"));
        using IImageSource source = ImageSources.Open(tree);
        string[] names = [.. Enumerable.Range(0, source.Count).Select(source.NameOf)];
        Assert.Contains("b/out/deep/3.png", names);
        Assert.Contains("b/4.png", names);
        Assert.DoesNotContain(names, name => name.StartsWith("a/round/", StringComparison.Ordinal));
        Assert.True(source.Count < 10, $"{source.Count} images");
        SourceChecks.Pixels(source, Array.IndexOf(names, "b/out/deep/3.png"));
    }

    [Fact]
    public void A_folder_that_may_not_be_read_is_named()
    {
        Assert.SkipWhen(Environment.IsPrivilegedProcess, "this user may read everything");
        if (OperatingSystem.IsWindows())
        {
            return; // it has other rights
        }

        _folder.Write("tree/a/1.png");
        _folder.Write("tree/closed/2.png");
        string closed = Path.Combine(_folder.Path, "tree", "closed");
        UnixFileMode mode = File.GetUnixFileMode(closed);
        File.SetUnixFileMode(closed, UnixFileMode.None);
        try
        {
            SourceChecks.AssertRefused(Path.Combine(_folder.Path, "tree"), $"it cannot be read; Access to the path '{closed}");
        }
        finally
        {
            File.SetUnixFileMode(closed, mode);
        }
    }

    [Fact]
    public void Lists_may_have_labels_behind_the_paths()
    {
        Array.ForEach(["1.png", "2.png", "x 3.png", "y 4"], name => _folder.Write(name));
        Assert.Equal("1.png=10 x 3.png=9", Opened(_folder.WriteText("a.txt", "1.png 10\nx 3.png 9\n")));
        Assert.Equal("1.png=cat x 3.png=a dog", Opened(_folder.WriteText("b.txt", "1.png\tcat\n\nx 3.png\ta dog\n")));
        Assert.Equal("y 4=- 1.png=-", Opened(_folder.WriteText("c.txt", "y 4\n1.png\n"))); // the whole line is a file
        Assert.Equal("1.png=- x 3.png=-", Opened(_folder.WriteText("d.txt", "1.png\nx 3.png\n")));
        Assert.Equal("1.png=b 2.png=a", Opened(_folder.WriteText("e.tsv", "path\tlabel\n1.png\tb\n2.png\ta\n")));
        SourceChecks.AssertRefused(_folder.WriteText("f.txt", "1.png 1\n2.png\n"), "line 2 has no label");

        static string Opened(string path)
        {
            using IImageSource source = ImageSources.Open(path);
            SourceChecks.Pixels(source, 0);
            return SourceChecks.Describe(source);
        }
    }
}
