using System.Diagnostics;
using System.Globalization;
using DinoSharp.Data;
using DinoSharp.Imaging;
using DinoSharp.Models;
using DinoSharp.Training;
using static TorchSharp.torch;

namespace DinoSharp.Benchmarks;

/// <summary>The training's own loader on any data, from storage to normalised batches: its rate, and whether memory stays where it is.</summary>
internal static class Loading
{
    private const int Passes = 5;

    /// <summary>Few images are shown several times an epoch, so that the start of an epoch weighs little.</summary>
    private const int LeastImages = 3000;

    private const int BatchSize = 20;

    /// <param name="path">whatever --data takes</param>
    public static void Run(string path)
    {
        using var once = ImageSources.Open(path);
        using var source = ImageSources.OpenAll([.. Enumerable.Repeat(path, (LeastImages - 1) / once.Count + 1)]);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{path}: {source.Count} images, {(source is IStreamedSource ? "streamed" : "shuffled as a whole")}, 2x224 + 8x96; JPEG by {ImageDecoder.JpegCodec}"));
        Console.WriteLine("| threads | im/s | managed bytes an image | resident after a pass, MB | after all, MB |");
        Console.WriteLine("|---|---|---|---|---|");
        for (int threads = 1; threads <= Environment.ProcessorCount; threads *= 2)
        {
            Run(source, threads);
        }
    }

    private static void Run(IImageSource source, int threads)
    {
        using PrefetchLoader loader = new(source, new MultiCropRecipe(new()), new() { BatchSize = BatchSize, Threads = threads });
        NormalizedViews views = new(loader, PixelNormalization.ImageNet, CPU);
        double[] rates = new double[Passes];
        long first = 0, allocated = 0;
        for (int pass = -1; pass < Passes; pass++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true), start = Stopwatch.GetTimestamp();
            int images = 0;
            foreach (var batch in views.Epoch(pass + 1, firstBatch: 0))
            {
                images += BatchSize;
                TorchRuntime.Sweep(); // as the trainer does after each step
            }

            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            allocated = (GC.GetTotalAllocatedBytes(precise: true) - before) / images;
            if (pass < 0)
            {
                first = Resident();
            }
            else
            {
                rates[pass] = images / seconds;
            }
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {threads} | {Measure.Median(rates):F0} | {allocated:N0} | {first / 1e6:F0} | {Resident() / 1e6:F0} |"));
    }

    private static long Resident()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
