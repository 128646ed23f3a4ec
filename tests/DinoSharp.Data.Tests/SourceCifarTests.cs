using DinoSharp.Imaging;
using DinoSharp.Tests;

namespace DinoSharp.Data.Tests;

public sealed class SourceCifarTests : IDisposable
{
    private const int Area = 32 * 32;

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Cifar_10_has_its_batches_in_order_and_the_names_of_its_classes()
    {
        _folder.Write("data_batch_2.bin", Records([9, 0]));
        _folder.Write("data_batch_1.bin", Records([3]));
        _folder.Write("test_batch.bin", Records([1, 1]));
        _folder.WriteText("batches.meta.txt", "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n");
        using IImageSource train = ImageSources.Open(_folder.Path), test = ImageSources.Open(_folder.Path, "test");
        Assert.Equal("data_batch_1.bin#0=cat data_batch_2.bin#0=truck data_batch_2.bin#1=airplane", SourceChecks.Describe(train));
        Assert.Equal("test_batch.bin#0=automobile test_batch.bin#1=automobile", SourceChecks.Describe(test));
        using PixelImage image = train.Load(2, new());
        Assert.Equal((32, 32, 3), (image.Width, image.Height, image.Channels));
        for (int i = 0; i < Area; i++)
        {
            Assert.Equal<byte>([(byte)(i + 1), (byte)(i / 3 + 1), (byte)(i / 7 + 1)], image.Pixels.Slice(3 * i, 3).ToArray());
        }

        using PixelImage grey = train.Load(2, new DecodeOptions { Channels = 1 });
        Assert.Equal(1, grey.Channels);
        Assert.Throws<ImageFormatException>(() => train.Load(0, new DecodeOptions { MaxPixels = Area - 1 }));
        SourceChecks.AssertReadsAlike(train, isStreamed: false);
    }

    [Fact]
    public void Cifar_100_has_its_fine_classes()
    {
        string path = _folder.Write("train.bin", Records([19, 99], coarse: 11));
        using IImageSource source = ImageSources.Open(path);
        Assert.Equal("train.bin#0=19 train.bin#1=99", SourceChecks.Describe(source));
        using PixelImage image = source.Load(1, new());
        Assert.Equal<byte>([1, 1, 1], image.Pixels[..3].ToArray());
        using IImageSource folder = ImageSources.Open(_folder.Path);
        Assert.Equal(2, folder.Count);
        SourceChecks.AssertRefused(_folder.Path, "none of the split test", "test");
        SourceChecks.AssertRefused(_folder.Path, "not 'val'", "val");
    }

    [Fact]
    public void Other_files_are_refused_and_damage_is_survived()
    {
        SourceChecks.AssertRefused(_folder.Write("test.bin", new byte[3073]), "no whole number of records");
        SourceChecks.AssertRefused(_folder.Write("data_batch_1.bin", Records([10])), "classes beyond its 10");
        SourceChecks.AssertRefused(_folder.Write("data_batch_2.bin", []), "no whole number of records");
        string path = _folder.Write("w/data_batch_1.bin", Records([1, 2]));
        SourceChecks.AssertSurvivesDamage(path, null, Records([1, 2]), flips: 500, cutEvery: 64, mostBytes: 4 << 20);
        File.WriteAllBytes(path, Records([1, 2]));
        using IImageSource source = ImageSources.Open(path);
        File.WriteAllBytes(path, Records([1]));
        Assert.StartsWith("data_batch_1.bin#1: ", Assert.Throws<ImageFormatException>(() => source.Load(1, new())).Message);
        _folder.WriteText("w/batches.meta.txt", "airplane\n");
        SourceChecks.AssertRefused(path, "it names 1 classes and not 10");
    }

    /// <summary>Records whose n-th has other pixels by n, all of its planes other than each other.</summary>
    private static byte[] Records(byte[] labels, byte? coarse = null) => [.. labels.SelectMany((label, n) => (byte[])
    [
        .. coarse is { } first ? (byte[])[first] : [], label,
        .. new[] { 1, 3, 7 }.SelectMany(step => Enumerable.Range(0, Area).Select(i => (byte)(i / step + n))),
    ])];
}
