using DinoSharp.Checkpoints;
using DinoSharp.Data;
using DinoSharp.Evaluation.CopyDetection;
using DinoSharp.Imaging;
using DinoSharp.Models.Backbones;
using DinoSharp.Tests;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Tests.CopyDetection;

public sealed class CopyFeatureExtractorTests
{
    private const int Images = 700;
    private static readonly LoaderOptions Loading = new() { BatchSize = 32, Threads = 2 };

    [Fact]
    public void Interrupted_work_goes_on_behind_the_last_part_and_ends_alike()
    {
        using TestFolder folder = new();
        using var network = Network(1);
        var expected = new CopyFeatureExtractor(network, 16, Loading).Of(new Noise());
        Assert.Equal(Images - 1, expected.Table.Rows);
        Assert.Equal("cannot be loaded", Assert.Single(expected.Faults).Reason);

        CopyFeatureExtractor extractor = new(network, 16, Loading, folder.Path);
        Noise source = new();
        Assert.Throws<TimeoutException>(() => extractor.Of(source, done => _ = done > 600 ? throw new TimeoutException() : 0));
        source = new Noise();
        List<int> told = [];
        var resumed = extractor.Of(source, told.Add);

        Assert.Equal(512, told[0]);
        Assert.InRange(source.Loaded, 1, Images - 512);
        Assert.Equal(expected.Table.Values, resumed.Table.Values);
        Assert.Equal(expected.Table.Names, resumed.Table.Names);
        Assert.Equal(expected.Indices, resumed.Indices);
        Assert.Equal(expected.Faults, resumed.Faults);
        source = new Noise();
        Assert.Equal(expected.Table.Values, extractor.Of(source).Table.Values);
        Assert.Equal(0, source.Loaded);
        Assert.Contains("1 of 700", Assert.Throws<ImageSourceException>(() => extractor.Of(source, complete: true)).Message, StringComparison.Ordinal);

        // Another network's features are others.
        using var other = Network(2);
        Assert.NotEqual(expected.Table.Values, new CopyFeatureExtractor(other, 16, Loading, folder.Path).Of(new Noise()).Table.Values);

        string part = Directory.GetFiles(folder.Path, "000000000.safetensors", SearchOption.AllDirectories)[0];
        File.WriteAllText(part, "no features");
        Assert.Contains(
            part,
            Assert.Throws<CheckpointException>(() => extractor.Of(new Noise()).Indices.Count + new CopyFeatureExtractor(other, 16, Loading, folder.Path)
                .Of(new Noise()).Indices.Count).Message,
            StringComparison.Ordinal);
    }

    private static VisionTransformer Network(long seed)
    {
        random.manual_seed(seed);
        return new VisionTransformer(new() { PatchSize = 8, EmbedDim = 8, Depth = 1, Heads = 2, ImageSize = 16 });
    }

    /// <summary>Images of noise, other for each, without files; one of them is damaged.</summary>
    private sealed class Noise : IImageSource
    {
        private int _loaded;

        public int Loaded => _loaded;

        public string Path => "/noise";

        public int Count => Images;

        public IReadOnlyList<string> Classes => [];

        public string NameOf(int index) => $"{index}.png";

        public int LabelOf(int index) => -1;

        public PixelImage Load(int index, DecodeOptions options)
        {
            Interlocked.Increment(ref _loaded);
            if (index == 17)
            {
                throw new IOException("cannot be loaded");
            }

            PixelImage image = new(16, 16);
            new Random(index).NextBytes(image.Pixels);
            return image;
        }

        public void Dispose()
        {
            // There is nothing to close.
        }
    }
}
