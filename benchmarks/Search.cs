using System.Diagnostics;
using System.Globalization;
using DinoSharp.Evaluation.Features;
using DinoSharp.Evaluation.Knn;
using DinoSharp.Evaluation.Neighbors;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Benchmarks;

/// <summary>Exact search of the nearest rows of a gallery, and k-NN, beside PyTorch's product and topk and a matrix product alone.</summary>
/// <param name="Gallery">rows N of the gallery</param>
/// <param name="Queries">rows M that are searched for</param>
/// <param name="PeerChunk">rows that PyTorch searches for at once: its similarities are M x N of them in memory</param>
internal sealed record Search(int Gallery, int Queries, int PeerChunk)
{
    private const int Dim = 384;
    private const int K = 20;
    private const int Classes = 100;
    private const int Side = 2048;

    /// <summary>The published k-NN's sizes in small, as the reference computes it: in chunks of a hundredth of the test images.</summary>
    public static Search Knn { get; } = new(50_000, 10_000, 100);

    /// <summary>A gallery of a million, asked by some and by one.</summary>
    public static IReadOnlyList<Search> Large { get; } = [new(1_000_000, 100, 100), new(1_000_000, 1, 1)];

    /// <summary>Writes the head of the table.</summary>
    public static void WriteHead()
    {
        Console.WriteLine("| gallery x queries x dim | ms | GFLOP/s | matrix product, GFLOP/s | share | peak memory so far, MB | PyTorch, ms | its peak, MB | ratio |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|");
    }

    /// <summary>Runs the search and writes a line of a table.</summary>
    /// <param name="rounds">how often each takes its turn</param>
    /// <param name="classify">whether the neighbours vote, as in k-NN</param>
    public void Run(int rounds, bool classify)
    {
        FeatureTable gallery = Random(Gallery, 1), queries = Random(Queries, 2);
        using var peer = TorchPeer.TryStart("torch_search.py", Gallery, Queries, Dim, K, PeerChunk, get_num_threads());
        using NearestNeighbors search = new(gallery);
        var (left, right) = (rand(Side, Side), rand(Side, Side));
        KnnOptions options = new() { Ks = [K] };
        double[] seconds =
        [
            .. Measure.Rounds(
                rounds,
                () => Measure.Seconds(() =>
                {
                    if (classify)
                    {
                        KnnEvaluation.Score(gallery, queries, options);
                    }
                    else
                    {
                        search.Of(queries, K);
                    }
                }),
                () => Measure.Product(left, right),
                () => peer?.Run() ?? double.NaN).Select(Measure.Median),
        ];
        double rate = 2.0 * Gallery * Queries * Dim / seconds[0] / 1e9, peak = 2.0 * Side * Side * Side / seconds[1] / 1e9;
        double others = seconds[2];
        using var process = Process.GetCurrentProcess();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {Gallery:#,0} x {Queries:#,0} x {Dim} | {seconds[0] * 1e3:F0} | {rate:F0} | {peak:F0} | {rate / peak * 100:F0} % | {process.PeakWorkingSet64 / 1e6:F0} | {others * 1e3:F0} | {peer?.Memory / 1e6:F0} | {others / seconds[0]:F2} |"));
    }

    private static FeatureTable Random(int rows, int seed)
    {
        manual_seed(seed);
        float[] values = new float[rows * Dim];
        using (var shared = frombuffer(values, ScalarType.Float32))
        {
            shared.normal_();
        }

        return new FeatureTable(
            [.. Enumerable.Repeat("", rows)],
            [.. Enumerable.Range(0, rows).Select(i => (long)(i % Classes))],
            [.. Enumerable.Range(0, Classes).Select(c => c.ToString(CultureInfo.InvariantCulture))],
            values,
            Dim);
    }
}
