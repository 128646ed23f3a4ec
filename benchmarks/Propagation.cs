using System.Diagnostics;
using System.Globalization;
using DinoSharp.Evaluation.Video;
using DinoSharp.Imaging;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Benchmarks;

/// <summary>
/// Video object segmentation as published: a frame of 480 x 854 pixels by ViT-S/8 (random weights), its labels from the first frame and seven
/// others; beside the same operations in PyTorch, which computes the similarities of all pairs as the reference does, and a matrix product alone.
/// </summary>
internal static class Propagation
{
    private const int Width = 854;
    private const int Height = 480;
    private const int Objects = 3;
    private const int Rounds = 5;
    private const int Side = 2048;

    public static void Run()
    {
        manual_seed(0);
        PropagationOptions options = new();
        var shape = BackboneCatalogue.Transformer("vit_small", new() { PatchSize = 8 });
        using var network = new VisionTransformer(shape);
        using var frame = new PixelImage(Width, Height);
        new System.Random(1).NextBytes(frame.Pixels);
        using var features = PatchFeatures.Of(network, frame, options.ImageSide, "the frame"); // [h, w, D]
        var (rows, columns) = ((int)features.size(0), (int)features.size(1));
        int labels = Objects + 1;
        float[] soft = [.. Enumerable.Range(0, rows * columns * labels).Select(i => i % labels == 0 ? 1f : 0)];
        using var propagation = new LabelPropagation(features, soft, options);
        for (int i = 0; i < options.LastFrames; i++)
        {
            propagation.Push(features, soft);
        }

        using var peer = TorchPeer.TryStart(
            "torch_propagation.py", rows, columns, shape.EmbedDim, shape.Depth, shape.Heads, shape.PatchSize, 1 + options.LastFrames, labels,
            options.Neighborhood, options.TopK, get_num_threads());
        var (left, right) = (rand(Side, Side), rand(Side, Side));
        double[] seconds =
        [
            .. Measure.Rounds(
                Rounds,
                () => Measure.Seconds(() => PatchFeatures.Of(network, frame, options.ImageSide, "the frame").Dispose()),
                () => Measure.Seconds(() => propagation.Next(features)),
                () => Measure.Product(left, right)).Select(Measure.Median),
            peer?.Run("features") ?? double.NaN, // once: it takes minutes
            peer?.Run("labels") ?? double.NaN,
        ];
        double product = 2.0 * Side * Side * Side / seconds[2] / 1e9;
        using var process = Process.GetCurrentProcess();
        Console.WriteLine($"{rows} x {columns} patches, {1 + options.LastFrames} frames in the context, matrix product {product:F0} GFLOP/s");
        Console.WriteLine("| part of a frame | s | GFLOP | GFLOP/s | share | PyTorch, s | ratio |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        Line("features", seconds[0], FeatureFlops(shape, rows * columns + 1), seconds[3]);
        Line("labels", seconds[1], LabelFlops(shape.EmbedDim, rows, columns, options), seconds[4]);
        Line("both", seconds[0] + seconds[1], 0, seconds[3] + seconds[4]);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{1 / (seconds[0] + seconds[1]):F2} frames a second; peak memory {process.PeakWorkingSet64 / 1e9:F1} GB, PyTorch {peer?.Run("memory") / 1e9:F1} GB"));

        void Line(string part, double own, double flops, double other)
        {
            string rate = flops > 0 ? string.Create(CultureInfo.InvariantCulture, $"{flops / 1e9:F0} | {flops / own / 1e9:F0} | {flops / own / 1e7 / product:F0} %") : "| |";
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {part} | {own:F2} | {rate} | {other:F2} | {other / own:F2} |"));
        }
    }

    /// <summary>Products of a transformer: 12 D² a token in linear layers, 2 N D a token in attention, each times two.</summary>
    private static double FeatureFlops(VisionTransformerOptions shape, double tokens) =>
        shape.Depth * (24 * tokens * shape.EmbedDim * shape.EmbedDim + 4 * tokens * tokens * shape.EmbedDim);

    /// <summary>Similarities that the neighbourhoods need, cut at the border.</summary>
    private static double LabelFlops(int dim, int rows, int columns, PropagationOptions options) =>
        2.0 * dim * (1 + options.LastFrames) * Reached(rows) * Reached(columns);

    private static double Reached(int length)
    {
        int reach = new PropagationOptions().Neighborhood;
        return Enumerable.Range(0, length).Sum(i => Math.Min(length - 1, i + reach) - Math.Max(0, i - reach) + 1);
    }
}
