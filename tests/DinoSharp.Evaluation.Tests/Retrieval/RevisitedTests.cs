using System.Text.Json;
using DinoSharp.Checkpoints;
using DinoSharp.Evaluation.Features;
using DinoSharp.Evaluation.Retrieval;
using DinoSharp.Tests;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Tests.Retrieval;

/// <summary>Ranking and scores as the reference's script has them on given features (fixtures/retrieval).</summary>
public sealed class RevisitedTests
{
    private const double Exact = 1e-9;

    private static readonly JsonElement Reference = Golden.Json("retrieval/retrieval.json");

    [Fact]
    public void The_database_is_ranked_as_by_the_reference()
    {
        using var golden = Golden.Read("retrieval/retrieval.safetensors");
        var rankings = RevisitedBenchmark.Rank(SharedRows.Of(TableOf(golden["database"])), SharedRows.Of(TableOf(golden["queries"])));
        using var expected = golden["ranks"].t().contiguous(); // [queries, images]
        Assert.Equal(expected.data<long>().ToArray(), rankings.SelectMany(r => r).Select(i => (long)i));
    }

    [Theory]
    [InlineData(Difficulty.Medium, "medium")]
    [InlineData(Difficulty.Hard, "hard")]
    public void Scores_are_the_references(Difficulty difficulty, string name)
    {
        using var golden = Golden.Read("retrieval/retrieval.safetensors");
        var rankings = RevisitedBenchmark.Rank(SharedRows.Of(TableOf(golden["database"])), SharedRows.Of(TableOf(golden["queries"])));
        var queries = Reference.GetProperty("gnd").EnumerateArray()
            .Select(q => new RevisitedQuery(Numbers(q, "easy"), Numbers(q, "hard"), Numbers(q, "junk"), null)).ToList();

        var score = RevisitedScore.Of(queries, rankings, difficulty);

        var expected = Reference.GetProperty(name);
        Assert.Equal(expected.GetProperty("map").GetDouble(), score.Map, Exact);
        Assert.Equal(expected.GetProperty("kappas").EnumerateArray().Select(k => k.GetInt32()), RevisitedScore.Ks);
        Assert.All(
            expected.GetProperty("mean-precision-at-kappas").EnumerateArray().Zip(score.MeanPrecisions),
            pair => Assert.Equal(pair.First.GetDouble(), pair.Second, Exact));
        Assert.All(
            expected.GetProperty("ap").EnumerateArray().Zip(score.AveragePrecisions),
            pair => Assert.Equal(pair.First.ValueKind == JsonValueKind.Null ? double.NaN : pair.First.GetDouble(), pair.Second, Exact));
    }

    [Fact]
    public void Average_precision_is_the_references() => Assert.All(
        Golden.Json("retrieval/average-precision.json").EnumerateArray(),
        c => Assert.Equal(
            c.GetProperty("ap").GetDouble(), AveragePrecision.Of(Numbers(c, "ranks"), c.GetProperty("positives").GetInt32()), Exact));

    /// <summary>Files of Python's own pickle.dump, of lists and of NumPy arrays.</summary>
    [Theory]
    [InlineData("lists-0")]
    [InlineData("lists-2")]
    [InlineData("lists-3")]
    [InlineData("lists-4")]
    [InlineData("lists-5")]
    [InlineData("arrays-2")]
    [InlineData("arrays-3")]
    [InlineData("arrays-4")]
    [InlineData("arrays-5")]
    public void Ground_truth_of_every_protocol_is_read(string kind)
    {
        var truth = RevisitedGroundTruth.Read(Golden.PathOf($"retrieval/ground-truth-{kind}.pkl"));
        Assert.Equal(["all_souls_000013", "christ_church_000179", "radcliffe_camera_000001", "magdalen_000002", "oxford_000003"], truth.Database);
        Assert.Equal(["all_souls_000013", "it's_\"quoted\"_é"], truth.QueryNames);
        Assert.Equal([1, 4], truth.Queries[0].Easy);
        Assert.Equal([3], truth.Queries[0].Hard);
        Assert.Equal([2], truth.Queries[0].Junk);
        Assert.Empty(truth.Queries[1].Easy);
        Assert.Equal([0, 4], truth.Queries[1].Hard);
        Assert.All(new[] { 136.5, 34.1, 648.5, 955.7 }.Zip(truth.Queries[0].Box!), pair => Assert.Equal(pair.First, pair.Second, 1e-3));
    }

    [Fact]
    public void What_a_ground_truth_asks_to_execute_is_not_executed()
    {
        string message = Refused(Golden.PathOf("retrieval/ground-truth-hostile.pkl"));
        Assert.Contains("posix.system", message, StringComparison.Ordinal);
        Assert.Contains("nothing in it was executed", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_or_wrong_ground_truth_is_refused_in_one_line()
    {
        using TestFolder folder = new();
        byte[] whole = File.ReadAllBytes(Golden.PathOf("retrieval/ground-truth-lists-4.pkl"));
        for (int length = 0; length < whole.Length; length += 7)
        {
            Refused(folder.Write("cut.pkl", whole[..length]));
        }

        Assert.Contains("no such file", Refused(Path.Combine(folder.Path, "missing.pkl")), StringComparison.Ordinal);
        Assert.Contains("imlist", Refused(folder.Write("other.pkl", [0x80, 2, (byte)'}', (byte)'.'])), StringComparison.Ordinal);
    }

    private static string Refused(string path)
    {
        string message = Assert.Throws<EvaluationException>(() => RevisitedGroundTruth.Read(path)).Message;
        Assert.StartsWith(path, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
        return message;
    }

    private static FeatureTable TableOf(Tensor features) => new(
        [.. Enumerable.Range(0, (int)features.size(0)).Select(i => $"{i}")], [], [], features.data<float>().ToArray(), (int)features.size(1));

    private static int[] Numbers(JsonElement parent, string name) =>
        [.. parent.GetProperty(name).EnumerateArray().Select(n => n.GetInt32())];
}
