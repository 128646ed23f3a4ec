using System.Security.Cryptography;
using DinoSharp.Imaging;
using DinoSharp.Tests;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Data.Tests;

public class LoaderTests
{
    private static readonly MultiCropRecipe Recipe = new(new() { GlobalSize = 24, LocalSize = 8, LocalCount = 3 });

    [Fact]
    public void BatchesDependNeitherOnThreadsNorOnWhereAnEpochIsEntered()
    {
        using TestFolder folder = TestFolder.OfImages(50);
        folder.Write("007.png", []); // empty
        folder.Write("008.png", TestFolder.Png(8)[..100]); // cut off
        folder.Write("009.png", TestFolder.Png(9, 1, 1)); // a single pixel, which shows nothing
        using IImageSource source = ImageSources.Open(folder.Path);
        string[] expected = Epoch(source, threads: 1, prefetch: 1, epoch: 3);
        Assert.Equal(6, expected.Distinct().Count());
        Assert.Equal(expected, Epoch(source, threads: 4, prefetch: 3, epoch: 3));
        Assert.Equal(expected[4..], Epoch(source, threads: 3, prefetch: 2, epoch: 3, firstBatch: 4));
        Assert.Empty(Epoch(source, threads: 2, prefetch: 2, epoch: 3, firstBatch: 6));
        Assert.Empty(expected.Intersect(Epoch(source, threads: 4, prefetch: 2, epoch: 4)));

        static string[] Epoch(IImageSource source, int threads, int prefetch, int epoch, int firstBatch = 0)
        {
            LoaderOptions options = Options(batchSize: 8, threads) with { Prefetch = prefetch, Seed = 11, FaultShareLimit = 0.1 };
            using PrefetchLoader loader = new(source, Recipe, options);
            return [.. loader.Epoch(epoch, firstBatch).Select(Hash)];
        }
    }

    [Fact]
    public void RowsAreTheViewsOfTheirImages()
    {
        using TestFolder folder = TestFolder.OfImages(7);
        using IImageSource source = ImageSources.Open(folder.Path);
        using PrefetchLoader loader = new(source, Recipe, Options(batchSize: 3) with { Seed = 5 });
        using ViewBatch batch = loader.Epoch(2).First();
        Assert.Equal([2, 3], batch.ViewsPerResolution);
        Assert.Equal([6, 24, 24, 3], batch.Pixels[0].shape);
        Assert.Equal([9, 8, 8, 3], batch.Pixels[1].shape);
        for (int position = 0; position < 3; position++)
        {
            int index = (int)batch.Indices[position];
            using PixelImage image = source.Load(index, new());
            for (int view = 0; view < Recipe.ViewCount; view++)
            {
                SampleRandom random = new(5, 2, index, view);
                using PixelImage expected = Recipe.Make(image, view, ref random);
                using Tensor row = batch.Pixels[view < 2 ? 0 : 1][(view < 2 ? view : view - 2) * 3 + position].clone();
                Assert.True(row.bytes.SequenceEqual(expected.Pixels), $"image {index}, view {view}");
            }
        }
    }

    [Fact]
    public void AnEpochShowsEveryImageOnceButTheLeftOver()
    {
        using TestFolder folder = TestFolder.OfImages(23);
        using IImageSource source = ImageSources.Open(folder.Path);
        using PrefetchLoader loader = new(source, Recipe, Options(batchSize: 5));
        Assert.Equal(4, loader.BatchesPerEpoch);
        long[] shown = [.. loader.Epoch(0).SelectMany(Take)];
        Assert.Equal(20, shown.Distinct().Count());
        Assert.True(loader.WaitTime > TimeSpan.Zero);

        static IReadOnlyList<long> Take(ViewBatch batch)
        {
            using (batch)
            {
                return batch.Indices;
            }
        }
    }

    [Fact]
    public void UnusableImagesAreReplacedAndNotedOnce()
    {
        using TestFolder folder = TestFolder.OfImages(40);
        folder.Write("038.png", "<html>"u8.ToArray());
        folder.Write("039.png", []);
        using IImageSource source = ImageSources.Open(folder.Path);
        using PrefetchLoader loader = new(source, Recipe, Options(batchSize: 40));
        for (int epoch = 0; epoch < 2; epoch++)
        {
            using ViewBatch batch = Assert.Single(loader.Epoch(epoch));
            Assert.DoesNotContain(batch.Indices, index => index >= 38);
            IEnumerable<int> all = Enumerable.Range(0, 40);
            Assert.Equal(38, batch.Indices.Distinct().Count());
            Assert.Equal(40, all.Select(position => FirstView(batch, position)).Distinct().Count()); // of an image twice, but other views
        }

        Assert.Equal(["038.png", "039.png"], loader.Faults.Faults.Select(fault => fault.Name));
        Assert.Contains("empty", loader.Faults.Faults[1].Reason);

        static string FirstView(ViewBatch batch, int position)
        {
            using Tensor row = batch.Pixels[0][position].clone();
            return Convert.ToHexString(row.bytes);
        }
    }

    [Fact]
    public void TooManyUnusableImagesEndTheLoading()
    {
        using TestFolder folder = TestFolder.OfImages(40);
        Array.ForEach(["000.png", "001.png", "002.png"], name => folder.Write(name, []));
        using IImageSource source = ImageSources.Open(folder.Path);
        using PrefetchLoader training = new(source, Recipe, Options(batchSize: 40));
        EvaluationLoader evaluation = new(source, new EvaluationRecipe(8, 8), Options(batchSize: 40));
        foreach (Action load in new Action[] { () => Drain(training.Epoch(0)), () => Drain(evaluation.Batches()) })
        {
            string message = Assert.Throws<ImageSourceException>(load).Message;
            Assert.Contains("3 of 40 images", message);
            Assert.Contains("001.png", message);
            Assert.DoesNotContain('\n', message);
        }

        Array.ForEach(Directory.GetFiles(folder.Path), path => File.WriteAllBytes(path, []));
        using PrefetchLoader none = new(source, Recipe, Options(batchSize: 40) with { FaultShareLimit = 1 });
        Assert.Contains("none of its images", Assert.Throws<ImageSourceException>(() => Drain(none.Epoch(0))).Message);
        Func<object> tooLarge = () => new PrefetchLoader(source, Recipe, Options(batchSize: 41));
        Assert.Contains("a batch of 41", Assert.Throws<ImageSourceException>(tooLarge).Message);
    }

    [Fact]
    public void EvaluationShowsEveryUsableImageInOrder()
    {
        using TestFolder folder = new();
        for (int i = 0; i < 25; i++)
        {
            folder.Write($"{i / 10}/{i:D3}.png", i == 13 ? [] : TestFolder.Png(i));
        }

        using IImageSource source = ImageSources.Open(folder.Path);
        EvaluationRecipe recipe = new(12, 8);
        EvaluationLoader loader = new(source, recipe, Options(batchSize: 10));
        List<int> indices = [];
        foreach (EvaluationBatch batch in loader.Batches())
        {
            using (batch)
            {
                Assert.Equal([batch.Indices.Count, 8, 8, 3], batch.Pixels.shape);
                Assert.Equal(batch.Indices.Select(source.LabelOf), batch.Labels);
                for (int row = 0; row < batch.Indices.Count; row++)
                {
                    using PixelImage image = source.Load(batch.Indices[row], new()), expected = recipe.Make(image);
                    using Tensor actual = batch.Pixels[row].clone();
                    Assert.True(actual.bytes.SequenceEqual(expected.Pixels));
                }

                indices.AddRange(batch.Indices);
            }
        }

        Assert.Equal(Enumerable.Range(0, 25).Where(i => i != 13), indices);
        Assert.Equal("1/013.png", Assert.Single(loader.Faults.Faults).Name);
    }

    [Fact]
    public void LeavingEarlyEndsThreadsAndLosesNoTensor()
    {
        using TestFolder folder = TestFolder.OfImages(60);
        using IImageSource source = ImageSources.Open(folder.Path);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = Tensor.TotalCount;
        WaitForLoaderThreads();
        for (int round = 0; round < 5; round++)
        {
            using PrefetchLoader loader = new(source, Recipe, Options(batchSize: 4));
            using (IDisposable scope = NewDisposeScope())
            {
                foreach (ViewBatch batch in loader.Epoch(round).Take(round))
                {
                    batch.Dispose();
                }
            }

            ViewBatch kept;
            using (IDisposable scope = NewDisposeScope())
            {
                kept = loader.Epoch(0).First();
            }

            Assert.False(kept.Pixels[0].IsInvalid); // no scope of the caller's owns a batch
            kept.Dispose();

            // An enumeration that nobody ends is ended with the loader.
            IEnumerator<ViewBatch> abandoned = loader.Epoch(0).GetEnumerator();
            Assert.True(abandoned.MoveNext());
            abandoned.Current.Dispose();
            loader.Dispose();
            Assert.Throws<ObjectDisposedException>(() => abandoned.MoveNext());
            Assert.Throws<ObjectDisposedException>(() => loader.Epoch(0).First());

            EvaluationLoader evaluation = new(source, new EvaluationRecipe(8, 8), Options(batchSize: 4));
            evaluation.Batches().First().Dispose();
        }

        Assert.Equal(before, Tensor.TotalCount); // at once, before the garbage collector would clear up
        WaitForLoaderThreads();
    }

    [Fact]
    public void AnImageAndItsViewsTakeLittleOfTheManagedHeap()
    {
        using TestFolder folder = new();
        string zip = folder.WriteZip("a.zip", System.IO.Compression.CompressionLevel.NoCompression, [.. Enumerable.Range(0, 9).Select(i => $"{i}.png")]);
        using IImageSource source = ImageSources.Open(zip);
        LoadAll(rounds: 50); // pools and tables fill
        const int Rounds = 50;
        long before = GC.GetAllocatedBytesForCurrentThread();
        LoadAll(Rounds);
        double bytes = (GC.GetAllocatedBytesForCurrentThread() - before) / (9.0 * Rounds);
        Assert.InRange(bytes, 0, 1000); // the objects for the image, its five views, its name and its decoder; its pixels alone are 900

        void LoadAll(int rounds)
        {
            for (int i = 0; i < 9 * rounds; i++)
            {
                using PixelImage image = source.Load(i % 9, new());
                for (int view = 0; view < Recipe.ViewCount; view++)
                {
                    SampleRandom random = new(0, 0, i, view);
                    Recipe.Make(image, view, ref random).Dispose();
                }
            }
        }
    }

    [Fact]
    public void AnUnforeseenErrorReachesTheUser()
    {
        using PrefetchLoader loader = new(new FailingSource(), Recipe, Options(batchSize: 2));
        Assert.Equal("unforeseen", Assert.Throws<InvalidOperationException>(() => Drain(loader.Epoch(0))).Message);
    }

    private static LoaderOptions Options(int batchSize, int threads = 3) => new() { BatchSize = batchSize, Threads = threads };

    private static string Hash(ViewBatch batch)
    {
        using (batch)
        {
            byte[] content = [.. batch.Pixels.SelectMany(pixels => pixels.bytes.ToArray()), .. batch.Indices.Select(index => (byte)index)];
            return Convert.ToHexString(SHA256.HashData(content));
        }
    }

    private static void Drain<TBatch>(IEnumerable<TBatch> batches)
        where TBatch : IDisposable
    {
        foreach (TBatch batch in batches)
        {
            batch.Dispose();
        }
    }

    /// <summary>The loaders' threads are joined, so at most a moment passes until the system has taken them off.</summary>
    private static void WaitForLoaderThreads()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        Assert.True(SpinWait.SpinUntil(() => !Names().Any(name => name.StartsWith("image loader", StringComparison.Ordinal)), 5000));

        static IEnumerable<string> Names() => Directory.EnumerateDirectories("/proc/self/task")
            .Select(task => Path.Combine(task, "comm")).Where(File.Exists).Select(File.ReadAllText);
    }

    private sealed class FailingSource : IImageSource
    {
        public string Path => "failing";

        public int Count => 10;

        public IReadOnlyList<string> Classes => [];

        public string NameOf(int index) => "image";

        public int LabelOf(int index) => -1;

        public PixelImage Load(int index, DecodeOptions options) => throw new InvalidOperationException("unforeseen");

        public void Dispose()
        {
        }
    }
}
