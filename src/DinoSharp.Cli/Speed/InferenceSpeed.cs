using System.Diagnostics;
using DinoSharp.Models.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Cli.Speed;

/// <summary>How many images a second a backbone takes features of.</summary>
/// <param name="ImagesPerSecond">of the median run</param>
/// <param name="BatchSize">images at once</param>
internal sealed record InferenceSpeed(double ImagesPerSecond, int BatchSize)
{
    /// <summary>The batch of the published speeds (arXiv 2104.14294, table 1: throughput in im/s on one V100 with 128 images).</summary>
    private const int MaxBatch = 128;

    private const int MaxRuns = 5;
    private const int LeastRuns = 3;

    /// <summary>A batch that takes this long is large enough: more images at once would not be faster.</summary>
    private static readonly TimeSpan LongEnough = TimeSpan.FromSeconds(0.5);

    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(6);

    /// <summary>Measures with a batch that doubles, which also warms up, until it is large enough.</summary>
    /// <param name="backbone">on any device, in evaluation mode</param>
    /// <param name="side">of the images in pixels</param>
    public static InferenceSpeed Measure(Backbone backbone, int side)
    {
        using var inference = inference_mode();
        int batch = 1;
        Time(backbone, batch, side);
        while (batch < MaxBatch && Shortest(backbone, batch, side) < LongEnough)
        {
            batch *= 2;
        }

        var runs = new List<TimeSpan>();
        long start = Stopwatch.GetTimestamp();
        while (runs.Count < MaxRuns && (runs.Count < LeastRuns || Stopwatch.GetElapsedTime(start) < MostTime))
        {
            runs.Add(Time(backbone, batch, side));
        }

        runs.Sort();
        return new InferenceSpeed(batch / runs[runs.Count / 2].TotalSeconds, batch);
    }

    /// <summary>The shorter of two runs: one that another process held up must not settle the batch.</summary>
    private static TimeSpan Shortest(Backbone backbone, int batch, int side)
    {
        var first = Time(backbone, batch, side);
        return first < LongEnough ? first : new[] { first, Time(backbone, batch, side) }.Min();
    }

    private static TimeSpan Time(Backbone backbone, int batch, int side)
    {
        using var scope = NewDisposeScope();
        var images = randn(batch, backbone.InputChannels, side, side, device: backbone.parameters().First().device); // [B, C, H, W]
        _ = images.sum().item<float>(); // a device may still be at making them
        long start = Stopwatch.GetTimestamp();
        _ = backbone.forward(images).sum().item<float>(); // only a value that was brought here is known to be computed
        return Stopwatch.GetElapsedTime(start);
    }
}
