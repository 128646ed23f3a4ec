using System.Globalization;
using System.IO.Compression;
using DinoSharp.Checkpoints;
using DinoSharp.Data;
using DinoSharp.Evaluation.Features;
using DinoSharp.Imaging;
using DinoSharp.Tests;

namespace DinoSharp.Evaluation.Tests.Features;

/// <summary>Features that are kept part by part.</summary>
public sealed class FeatureCacheTests : IDisposable
{
    private const int Images = 1300, Damaged = 17, Part = 512;

    private readonly TestFolder _folder = new();
    private int _computed;

    [Fact]
    public void Work_that_was_cut_off_goes_on_behind_the_last_part_and_ends_alike()
    {
        var expected = Take(new Noise(), cache: null, out var faults);
        Assert.Equal(Images - 1, expected.Rows);
        Assert.Equal("cannot be loaded", Assert.Single(faults).Reason);

        Assert.Throws<TimeoutException>(() => Take(new Noise(), _folder.Path, out _, done => _ = done > 600 ? throw new TimeoutException() : 0));
        _computed = 0;
        Noise source = new();
        List<int> told = [];
        var resumed = Take(source, _folder.Path, out var resumedFaults, told.Add);

        Assert.Equal((Part, Images), (told[0], told[^1]));
        Assert.Equal(Images - Part, _computed);
        Assert.Equal(Images - Part, source.Loaded);
        AssertSame(expected, resumed);
        Assert.Equal(faults, resumedFaults);

        // All of it is there; with a part between less, that one alone is computed.
        foreach (int missing in new[] { 0, Part })
        {
            _computed = 0;
            AssertSame(expected, Take(new Noise(), _folder.Path, out resumedFaults));
            Assert.Equal(missing, _computed);
            Assert.Equal(faults, resumedFaults);
            File.Delete(PartFile(Part));
        }
    }

    /// <summary>Whoever computed a part: it is computed once, and what comes of all of them are the features of one process.</summary>
    [Fact]
    public void Processes_share_the_work_and_any_number_of_them_goes_on_with_it()
    {
        var expected = Take(new Noise(), cache: null, out var faults);
        int missing = Images - 1; // one is damaged
        foreach (var (ranks, cached) in new[] { (2, false), (3, false), (3, true), (2, true), (1, true) })
        {
            _computed = 0;
            var results = ThreadRanks.Run(ranks, group =>
            {
                var loader = Loader(new Noise());
                var shared = FeatureExtractor.Shared(loader, Function("first pixels"), group, cache: cached ? _folder.Path : null);
                return (Table: shared.OnFirst(), loader.Faults.Faults, Own: shared.Rows.End - shared.Rows.First, shared.Names);
            });
            AssertSame(expected, results[0].Table!);
            Assert.All(results, rank => Assert.Equal(faults, rank.Faults));
            Assert.All(results, rank => Assert.Equal(expected.Names, rank.Names));
            Assert.Equal(missing, _computed);
            if (missing == Images - 1)
            {
                Assert.All(results, rank => Assert.InRange(rank.Own, Images / ranks - 64, Images / ranks + 64)); // in batches of 32
            }

            if (cached)
            {
                string[] parts = [.. Directory.GetFiles(_folder.Path, "*.safetensors", SearchOption.AllDirectories).Order()];
                File.Delete(parts[1]);
                missing = Start(parts[2]) - Start(parts[1]);
            }
        }
    }

    [Fact]
    public void Faults_count_whenever_they_were_found()
    {
        Take(new Noise(), _folder.Path, out _);
        string message = Assert.Throws<ImageSourceException>(() => Take(new Noise(), _folder.Path, out _, faultShare: 0)).Message;
        Assert.Contains("1 of 1300", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Features_of_other_functions_views_decoding_and_images_are_not_taken()
    {
        Take(new Noise(), _folder.Path, out _);
        Computes(Images - 1, () => Take(new Noise(), _folder.Path, out _, identity: "other"));
        Computes(Images - 1, () => Take(new Noise(), _folder.Path, out _, side: 8));
        Computes(Images - 1, () => Take(new Noise("/other"), _folder.Path, out _));
        Computes(Images - 1, () => Take(new Noise(), _folder.Path, out _, decoding: new DecodeOptions { ApplyOrientation = true }));
        Computes(0, () => Take(new Noise(), _folder.Path, out _));
    }

    /// <summary>In an archive images have the same names, whatever they show.</summary>
    [Theory]
    [InlineData("folder")]
    [InlineData("set.zip")]
    [InlineData("list.txt")]
    [InlineData("folder,set.zip")]
    public void Files_that_were_replaced_are_seen(string set)
    {
        Write(shade: 0);
        string[] paths = [.. set.Split(',').Select(name => Path.Combine(_folder.Path, name))];
        int images = 3 * paths.Length;
        Computes(images, Take);
        Computes(0, Take);
        Write(shade: 10);
        Computes(images, Take);

        void Take()
        {
            using var source = ImageSources.OpenAll(paths);
            this.Take(source, Path.Combine(_folder.Path, "cache"), out _);
        }

        void Write(int shade)
        {
            string[] names = ["a.png", "b.png", "c.png"];
            string archive = Path.Combine(_folder.Path, "set.zip");
            File.Delete(archive);
            using var zip = ZipFile.Open(archive, ZipArchiveMode.Create);
            foreach (var (i, name) in names.Index())
            {
                byte[] png = TestFolder.Png(shade + i);
                _folder.Write($"folder/{name}", png);
                using var entry = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
                entry.Write(png);
            }

            _folder.WriteText("list.txt", string.Join('\n', names.Select(name => $"folder/{name}")));
        }
    }

    [Fact]
    public void A_damaged_part_is_named()
    {
        Take(new Noise(), _folder.Path, out _);
        string path = PartFile(0);
        byte[] whole = File.ReadAllBytes(path), other = File.ReadAllBytes(PartFile(Part)), flipped = [.. whole];
        flipped[^9] ^= 0x40;
        foreach (byte[] damaged in (byte[][])[[], "no features"u8.ToArray(), whole[..(whole.Length / 2)], flipped, other])
        {
            File.WriteAllBytes(path, damaged);
            string message = Assert.Throws<CheckpointException>(() => Take(new Noise(), _folder.Path, out _)).Message;
            Assert.Contains(path, message, StringComparison.Ordinal);
            Assert.Contains("delete it", message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', message);
        }
    }

    public void Dispose() => _folder.Dispose();

    private static int Start(string part) => int.Parse(Path.GetFileNameWithoutExtension(part), CultureInfo.InvariantCulture);

    private string PartFile(int start) =>
        Assert.Single(Directory.GetFiles(_folder.Path, $"{start:D9}.safetensors", SearchOption.AllDirectories));

    private void Computes(int images, Action work)
    {
        _computed = 0;
        work();
        Assert.Equal(images, _computed);
    }

    /// <summary>The images' first pixels, and how many were computed.</summary>
    private FeatureTable Take(
        IImageSource source,
        string? cache,
        out IReadOnlyList<Fault> faults,
        Action<int>? progress = null,
        double faultShare = 0.05,
        int side = 16,
        string identity = "first pixels",
        DecodeOptions? decoding = null)
    {
        var loader = Loader(source, faultShare, side, decoding);
        var table = FeatureExtractor.Table(loader, Function(identity), progress, cache);
        faults = loader.Faults.Faults;
        return table;
    }

    private static EvaluationLoader Loader(IImageSource source, double faultShare = 0.05, int side = 16, DecodeOptions? decoding = null) => new(
        source,
        new EvaluationRecipe(side, side),
        new LoaderOptions { BatchSize = 32, Threads = 2, FaultShareLimit = faultShare, Decoding = decoding ?? new DecodeOptions() });

    private FeatureFunction Function(string identity) => new(
        3,
        pixels =>
        {
            Interlocked.Add(ref _computed, (int)pixels.size(0));
            return [.. Enumerable.Range(0, (int)pixels.size(0)).SelectMany(i => Enumerable.Range(0, 3).Select(c => (float)pixels[i, 0, 0, c].item<byte>()))];
        },
        () => identity);

    private static void AssertSame(FeatureTable expected, FeatureTable actual)
    {
        Assert.Equal(expected.Values, actual.Values);
        Assert.Equal(expected.Names, actual.Names);
        Assert.Equal(expected.Labels, actual.Labels);
        Assert.Equal(expected.Classes, actual.Classes);
    }

    /// <summary>Labelled images of noise, other for each, without files; one of them is damaged.</summary>
    private sealed class Noise(string path = "/noise") : IImageSource
    {
        private int _loaded;

        public int Loaded => _loaded;

        public string Path => path;

        public int Count => Images;

        public IReadOnlyList<string> Classes => ["even", "odd"];

        public string NameOf(int index) => $"{index}.png";

        public int LabelOf(int index) => index % 2;

        public PixelImage Load(int index, DecodeOptions options)
        {
            Interlocked.Increment(ref _loaded);
            if (index == Damaged)
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
