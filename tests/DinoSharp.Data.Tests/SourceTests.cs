using System.Buffers.Binary;
using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using DinoSharp.Imaging;
using DinoSharp.Tests;

namespace DinoSharp.Data.Tests;

public sealed class SourceTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("b/2.png a/1.JPG a/3.webp a/notes.txt a/.hidden.png", null, "a/1.JPG=a a/3.webp=a b/2.png=b")] // classes
    [InlineData("2.png 10.gif 1.tiff", null, "1.tiff=- 10.gif=- 2.png=-")] // flat
    [InlineData("a/1.png 2.png", null, "2.png=- a/1.png=-")] // mixed depths
    [InlineData("a/x/1.png b/x/2.png", null, "a/x/1.png=a b/x/2.png=b")] // deeper, but evenly so
    [InlineData("train/a/1.png train/b/2.png test/a/3.png", null, "train/a/1.png=a train/b/2.png=b")] // splits
    [InlineData("train/a/1.png test/b/2.png test/a/3.png", "test", "test/a/3.png=a test/b/2.png=b")]
    [InlineData("train/1.png val/2.png", "val", "val/2.png=-")]
    [InlineData("train/1.png cats/2.png", null, "cats/2.png=cats train/1.png=train")] // a class called train
    [InlineData("set/test/a/1.png set/train/b/2.png", null, "set/train/b/2.png=b")] // wrapped in a folder
    [InlineData("__MACOSX/a/1.png a/1.png .trash/b.png", null, "a/1.png=a")]
    public void TreesAreReadAlikeFromFoldersAndArchives(string files, string? split, string expected)
    {
        string[] names = files.Split(' ');
        Array.ForEach(names, name => _folder.Write("tree/" + name));
        string zip = _folder.WriteZip("tree.zip", CompressionLevel.Fastest, names);
        foreach (string path in new[] { Path.Combine(_folder.Path, "tree"), zip })
        {
            using IImageSource source = ImageSources.Open(path, split);
            Assert.Equal(expected, Describe(source));
            IEnumerable<string> classes = expected.Split(' ').Select(image => image.Split('=')[1]).Where(name => name != "-");
            Assert.Equal(classes.Distinct().Order(), source.Classes);
        }
    }

    [Fact]
    public void ListsGivePathsAndLabels()
    {
        Array.ForEach(["p/1.png", "p/2.png", "p/3.png"], name => _folder.Write(name));
        string csv = _folder.WriteText("p/table.csv", "id,Label, PATH \n7,10,1.png\n8,9,\"2.png\"\n9,10,3.png\n");
        using IImageSource table = ImageSources.Open(csv);
        Assert.Equal("1.png=10 2.png=9 3.png=10", Describe(table));
        Assert.Equal(["9", "10"], table.Classes); // numbers in their order, not in that of their digits
        Assert.Equal(1, table.LabelOf(0));

        string lines = _folder.WriteText("list.txt", "p/2.png\r\n\n" + Path.Combine(_folder.Path, "p", "1.png") + "\n");
        using IImageSource list = ImageSources.Open(lines);
        Assert.Equal(2, list.Count);
        list.Load(0, new()).Dispose();
        list.Load(1, new()).Dispose();
    }

    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.Optimal)]
    public void ArchivesAreReadByManyThreadsAtOnce(CompressionLevel level)
    {
        string zip = _folder.WriteZip("a.zip", level, [.. Enumerable.Range(0, 64).Select(i => $"{i:D2}.png")]);
        using IImageSource source = ImageSources.Open(zip);
        Parallel.For(0, 640, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            using PixelImage image = source.Load(i % 64, new());
            using PixelImage expected = ImageDecoder.Decode(TestFolder.Png(i % 64), "expected");
            Assert.True(image.Pixels.SequenceEqual(expected.Pixels));
        });
    }

    [Fact]
    public void ArchivesOfManyFilesAreRead()
    {
        // More than 65,535 entries need the zip64 record; a comment stands behind the end.
        string zip = Path.Combine(_folder.Path, "many.zip");
        using (ZipArchive archive = ZipFile.Open(zip, ZipArchiveMode.Create))
        {
            archive.Comment = "a comment";
            for (int i = 0; i < 66_000; i++)
            {
                archive.CreateEntry($"{i % 10}/{i:D6}.png");
            }
        }

        AssertComplete();

        // The same without zip64, as macOS's archiver writes it: the count is what is left of it in 16 bits.
        byte[] bytes = File.ReadAllBytes(zip);
        bytes.AsSpan(bytes.AsSpan().LastIndexOf("PK\x6\x7"u8), 4).Clear();
        Declare(bytes, 66_000 & ushort.MaxValue);
        File.WriteAllBytes(zip, bytes);
        AssertComplete();

        void AssertComplete()
        {
            using IImageSource source = ImageSources.Open(zip);
            Assert.Equal((66_000, 10), (source.Count, source.Classes.Count));
            Assert.Equal("9/065999.png", source.NameOf(65_999));
            Assert.Contains("empty", Assert.Throws<ImageFormatException>(() => source.Load(0, new())).Message);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void AnArchiveThatDeclaresAnotherNumberOfEntriesIsRefused(int declared)
    {
        byte[] bytes = File.ReadAllBytes(_folder.WriteZip("whole.zip", CompressionLevel.Fastest, "1.png", "2.png", "3.png"));
        Declare(bytes, declared);
        SourceChecks.AssertRefused(_folder.Write("forged.zip", bytes), $"its directory has 3 entries and says that it has {declared}");
    }

    [Theory]
    [InlineData("./cat/1.png .//dog//2.png cow///x/..3.png", 0, "cat/1.png=cat dog/2.png=dog")] // ..3.png is hidden
    [InlineData("set//a.png set//b.png", 0, "set/a.png=set set/b.png=set")]
    [InlineData("/cat/1.png ../2.png a/../3.png a/\u001b[2J4.png .\\a\\5.png a..b/6.png", 4, "a..b/6.png=a..b a/5.png=a")]
    public void OnlyFilesOfAnArchiveWithCleanNamesCount(string files, int unclean, string expected)
    {
        string[] names = files.Split(' ');
        string zip = _folder.WriteZip("a.zip", CompressionLevel.Fastest, names);
        (string, byte[])[] entries = [.. names.Select(name => (name.Replace('\\', '/'), TestFolder.Png(0)))];
        string tar = _folder.Write("a.tar", ImageArchives.Tar(TarEntryFormat.Pax, entries));
        foreach (string path in new[] { zip, tar })
        {
            using IImageSource source = ImageSources.Open(path);
            Assert.Equal(expected, Describe(source));
            string notice = $"{path}: {unclean} of its files are left alone, as their names are no clean paths below it";
            Assert.Equal(unclean == 0 ? "" : notice, string.Join('\n', source.Notices));
        }
    }

    [Fact]
    public void AnArchiveOfUncleanNamesAloneIsRefused() => SourceChecks.AssertRefused(
        _folder.WriteZip("a.zip", CompressionLevel.Fastest, "/cat/1.png", "/dog/2.png"),
        "no images in it but 2 files whose names are no clean paths below it");

    [Fact]
    public void DamagedArchivesNeverDoAnythingButSaySo()
    {
        byte[] whole = File.ReadAllBytes(_folder.WriteZip("whole.zip", CompressionLevel.Optimal, "a/1.png", "b/2.png"));
        Random random = new(0);
        for (int trial = 0; trial < 1000; trial++)
        {
            byte[] damaged = [.. whole.AsSpan(0, trial % 4 == 0 ? random.Next(whole.Length) : whole.Length)];
            for (int i = 0; i < 4 && damaged.Length > 0; i++)
            {
                // Mostly in the directory, at the end.
                int from = i % 2 == 0 ? Math.Max(0, damaged.Length - 150) : 0;
                damaged[random.Next(from, damaged.Length)] = (byte)random.Next(256);
            }

            string path = _folder.Write("damaged.zip", damaged);
            try
            {
                using IImageSource source = ImageSources.Open(path);
                for (int i = 0; i < source.Count; i++)
                {
                    source.Load(i, new()).Dispose();
                }
            }
            catch (Exception error) when (error is ImageSourceException or ImageFormatException)
            {
                Assert.DoesNotContain('\n', error.Message);
            }
        }
    }

    [Fact]
    public void IdxFilesGiveGreyImages()
    {
        WriteIdx("train-images-idx3-ubyte.gz", zipped: true, [2, 2, 3], 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
        WriteIdx("train-labels-idx1-ubyte.gz", zipped: true, [2], 7, 3);
        WriteIdx("t10k-images-idx3-ubyte", zipped: false, [1, 1, 1], 200);
        using IImageSource train = ImageSources.Open(_folder.Path);
        Assert.Equal((2, 8, 7, 3), (train.Count, train.Classes.Count, train.LabelOf(0), train.LabelOf(1)));
        using PixelImage image = train.Load(1, new());
        Assert.Equal((3, 2), (image.Width, image.Height));
        Assert.Equal<byte>([6, 6, 6, 7, 7, 7, 8, 8, 8, 9, 9, 9, 10, 10, 10, 11, 11, 11], image.Pixels.ToArray());
        Assert.Throws<ImageFormatException>(() => train.Load(0, new DecodeOptions { MaxPixels = 5 }));
        using PixelImage grey = train.Load(1, new DecodeOptions { Channels = 1 });
        Assert.Equal<byte>([6, 7, 8, 9, 10, 11], grey.Pixels.ToArray());

        using IImageSource test = ImageSources.Open(_folder.Path, "test");
        Assert.Equal((1, 0, -1), (test.Count, test.Classes.Count, test.LabelOf(0)));
    }

    [Fact]
    public void IdxFilesOfOneSetAreFoundByTheWordsOfTheirNames()
    {
        WriteIdx("emnist-letters-train-images-idx3-ubyte.gz", zipped: true, [1, 1, 1], 1);
        WriteIdx("emnist-letters-train-labels-idx1-ubyte.gz", zipped: true, [1], 26);
        WriteIdx("emnist-letters-test-images-idx3-ubyte", zipped: false, [2, 1, 1], 1, 2);
        using IImageSource train = ImageSources.Open(_folder.Path), test = ImageSources.Open(_folder.Path, "test");
        Assert.Equal((1, 26, 2), (train.Count, train.LabelOf(0), test.Count));
        WriteIdx("emnist-digits-train-images-idx3-ubyte", zipped: false, [1, 1, 1], 1);
        Assert.Contains("several sets", Assert.Throws<ImageSourceException>(() => ImageSources.Open(_folder.Path)).Message);
    }

    [Fact]
    public void BadSourcesAreNamedInOneLine()
    {
        _folder.Write("empty/readme.md", []);
        _folder.Write("splits/test/1.png");
        _folder.Write("splits/val/1.png");
        _folder.Write("classes/a/1.png");
        byte[] zip = File.ReadAllBytes(_folder.WriteZip("whole.zip", CompressionLevel.Fastest, "1.png"));
        WriteIdx("huge-images-idx3-ubyte.gz", zipped: true, [60_000, 1000, 1000], 1, 2, 3);
        WriteIdx("few-images-idx3-ubyte", zipped: false, [2, 1, 1], 1, 2);
        WriteIdx("few-labels-idx1-ubyte", zipped: false, [1], 1);

        AssertRefused("missing", null, "no such file or folder");
        AssertRefused("empty", null, "no images");
        AssertRefused("splits", null, "name one; it has test, val");
        AssertRefused("splits", "train", "it has test, val");
        AssertRefused("classes", "train", "no images in a folder 'train'");
        AssertRefused(_folder.WriteText("nopath.csv", "file,label\n1.png,a\n"), null, "no column 'path'");
        AssertRefused(_folder.WriteText("nolabel.csv", "path,label\n1.png,a\n2.png,\n"), null, "line 3 has no label");
        AssertRefused(_folder.WriteText("short.csv", "path,label\n1.png\n"), null, "line 2 has no label");
        AssertRefused(_folder.WriteText("quote.csv", "path\n1\"x.png\n"), null, "line 2");
        AssertRefused(_folder.Write("wide.txt", Encoding.Unicode.GetBytes("1.png\n2.png\n")), null, "line 1 has control characters");
        AssertRefused(_folder.Write("wide.csv", Encoding.Unicode.GetBytes("path,label\n1.png,a\n")), null, "line 1 has control characters");
        AssertRefused(_folder.WriteText("bell.txt", "1.png\n2\a.png\n"), null, "line 2 has control characters");
        AssertRefused(_folder.WriteText("bell.csv", "path,label\n1.png,a\n2.png,\ab\n"), null, "line 3 has control characters");
        AssertRefused(_folder.WriteText("void.csv", ""), null, "no column 'path'");
        AssertRefused(_folder.WriteText("header.csv", "path\n"), null, "empty");
        AssertRefused(_folder.WriteText("void.txt", "\n"), null, "empty");
        AssertRefused(_folder.WriteText("list.txt", "1.png\n"), "test", "no splits");
        AssertRefused(_folder.WriteText("what.xyz", "?"), null, "no set of images");
        AssertRefused(_folder.Write("cut.zip", zip[..^40]), null, "directory is missing");
        AssertRefused(_folder.Write("text.zip", "hello"u8.ToArray()), null, "no zip archive");
        AssertRefused("huge-images-idx3-ubyte.gz", null, "no idx file");
        AssertRefused("few-images-idx3-ubyte", null, "1 labels for 2 images");
    }

    [Fact]
    public void ASubsetShowsSomeImagesOfAnother()
    {
        Array.ForEach(["a/1.png", "b/2.png", "c/3.png"], name => _folder.Write(name));
        using IImageSource whole = ImageSources.Open(_folder.Path);
        using SubsetSource subset = new(whole, [2, 0]);
        Assert.Equal("c/3.png=c a/1.png=a", Describe(subset));
        subset.Load(0, new()).Dispose();
        Assert.Throws<ArgumentOutOfRangeException>(() => new SubsetSource(whole, [3]));
        Assert.Throws<ImageSourceException>(() => new SubsetSource(whole, []));
    }

    /// <summary>Writes how many entries a zip archive says that it has, twice, into the record at its end.</summary>
    private static void Declare(byte[] zip, int entries)
    {
        Span<byte> end = zip.AsSpan(zip.AsSpan().LastIndexOf("PK\x5\x6"u8));
        BinaryPrimitives.WriteUInt16LittleEndian(end[8..], (ushort)entries);
        BinaryPrimitives.WriteUInt16LittleEndian(end[10..], (ushort)entries);
    }

    private static string Describe(IImageSource source) => string.Join(' ', Enumerable.Range(0, source.Count)
        .Select(i => $"{source.NameOf(i)}={(source.LabelOf(i) < 0 ? "-" : source.Classes[source.LabelOf(i)])}"));

    private void AssertRefused(string name, string? split, string reason)
    {
        string path = Path.Combine(_folder.Path, name);
        string message = Assert.Throws<ImageSourceException>(() => ImageSources.Open(path, split)).Message;
        Assert.Contains(Path.GetFileNameWithoutExtension(name).Split('-')[0], message);
        Assert.Contains(reason, message);
        Assert.DoesNotContain('\n', message);
    }

    private void WriteIdx(string name, bool zipped, int[] shape, params byte[] values)
    {
        using MemoryStream bytes = new();
        using (Stream stream = zipped ? new GZipStream(bytes, CompressionLevel.Fastest) : bytes)
        {
            byte[] number = new byte[4];
            foreach (int value in shape.Prepend(0x0800 | shape.Length))
            {
                BinaryPrimitives.WriteInt32BigEndian(number, value);
                stream.Write(number);
            }

            stream.Write(values);
        }

        _folder.Write(name, bytes.ToArray());
    }
}
