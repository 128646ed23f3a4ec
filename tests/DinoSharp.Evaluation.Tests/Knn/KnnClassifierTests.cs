using System.Globalization;
using DinoSharp.Evaluation.Knn;
using DinoSharp.Tests;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Tests.Knn;

/// <summary>The reference's classifier on given features (fixtures/knn).</summary>
public sealed class KnnClassifierTests : IDisposable
{
    private const int Classes = 7;
    private const long WholeSet = 1L << 30;
    private const long RowByRow = 1;
    private const long UnevenChunks = 64 * sizeof(float) * 7; // 90 rows in chunks of 7 leave a short last one, 400 in runs of 64

    private readonly Golden _golden = Golden.Read("knn/knn.safetensors");

    private Tensor Train => _golden["train"];
    private Tensor TrainLabels => _golden["train-labels"];
    private Tensor Test => _golden["test"];
    private Tensor TestLabels => _golden["test-labels"];

    [Theory]
    [InlineData(WholeSet)]
    [InlineData(UnevenChunks)]
    [InlineData(RowByRow)]
    public void Scores_are_the_references_in_chunks_of_any_size(long blockBytes)
    {
        KnnOptions options = new() { Ks = [5, 10, 20, 100], BlockBytes = blockBytes };
        using var knn = new KnnClassifier(Train, TrainLabels, Classes, options);
        var expected = Golden.Json("knn/knn.json").GetProperty("results");

        foreach (var score in knn.Evaluate(Test, TestLabels))
        {
            var golden = expected.GetProperty(score.K.ToString(CultureInfo.InvariantCulture));
            Assert.Equal(golden.GetProperty("top1").GetDouble(), score.Top1, 1e-9);
            Assert.Equal(golden.GetProperty("top5").GetDouble(), score.Top5, 1e-9);
        }
    }

    [Theory]
    [InlineData(WholeSet)]
    [InlineData(UnevenChunks)]
    [InlineData(RowByRow)]
    public void Votes_and_ranking_are_the_references_whatever_the_features_lengths(long blockBytes)
    {
        using var scope = NewDisposeScope();
        using var knn = new KnnClassifier(Train * 3, TrainLabels, Classes, new KnnOptions { BlockBytes = blockBytes });
        var votes = knn.Votes(Test * 0.5f, 20);
        var golden = _golden["votes-20"];
        (votes, golden) = (votes / votes.sum(1, keepdim: true), golden / golden.sum(1, keepdim: true)); // the unit of votes plays no role
        double difference = ((votes - golden).abs() / golden.clamp_min(1e-30f)).max().item<float>();
        Assert.True(difference <= 1e-5, $"votes differ by {difference:G3}, relatively");
        Assert.True(KnnClassifier.Ranking(votes).equal(_golden["ranking-20"]).all().item<bool>());
    }

    [Fact]
    public void With_fewer_training_images_than_k_all_of_them_vote()
    {
        using var scope = NewDisposeScope();
        KnnOptions options = new() { Ks = [400, 10_000] };
        using var knn = new KnnClassifier(Train, TrainLabels, Classes, options);
        var scores = knn.Evaluate(Test, TestLabels);
        Assert.Equal(scores[0] with { K = 10_000 }, scores[1]);
        Assert.True(knn.Votes(Test, 400).allclose(knn.Votes(Test, 10_000)));
    }

    [Fact]
    public void At_a_temperature_near_0_the_nearest_decides()
    {
        using var one = new KnnClassifier(Train, TrainLabels, Classes, new KnnOptions { Ks = [1] });
        using var cold = new KnnClassifier(Train, TrainLabels, Classes, new KnnOptions { Ks = [20], Temperature = 1e-9 });
        Assert.Equal(Assert.Single(one.Evaluate(Test, TestLabels)).Top1, Assert.Single(cold.Evaluate(Test, TestLabels)).Top1);
    }

    [Fact]
    public void With_one_neighbour_top_5_is_top_1_and_the_training_set_is_all_right()
    {
        using var knn = new KnnClassifier(Train, TrainLabels, Classes, new KnnOptions { Ks = [1] });
        Assert.Equal([new KnnScore(1, 100, 100)], knn.Evaluate(Train, TrainLabels));
        var score = Assert.Single(knn.Evaluate(Test, TestLabels));
        Assert.Equal(score.Top1, score.Top5);
    }

    [Fact]
    public void What_cannot_be_classified_is_refused_in_one_line()
    {
        using var scope = NewDisposeScope();
        AssertRefused("known classes", () => new KnnClassifier(Train, TrainLabels, 3));
        AssertRefused("known classes", () => new KnnClassifier(Train, TrainLabels - 1, Classes));
        AssertRefused("400 images, 90 labels", () => new KnnClassifier(Train, TestLabels, Classes));
        AssertRefused("not finite", () => new KnnClassifier(Train / 0, TrainLabels, Classes));
        AssertRefused("temperature", () => new KnnClassifier(Train, TrainLabels, Classes, new KnnOptions { Temperature = double.NaN }));
        AssertRefused("at least one k", () => new KnnClassifier(Train, TrainLabels, Classes, new KnnOptions { Ks = [] }));
        using var knn = new KnnClassifier(Train, TrainLabels, Classes);
        AssertRefused("length 12", () => knn.Evaluate(Test.narrow(1, 0, 12), TestLabels));
    }

    [Fact]
    public void An_evaluation_leaves_no_tensor_behind()
    {
        using var scope = NewDisposeScope();
        using var knn = new KnnClassifier(Train, TrainLabels, Classes, new KnnOptions { BlockBytes = UnevenChunks });
        knn.Evaluate(Test, TestLabels);
        Assert.Equal(0, scope.DisposablesCount);
    }

    public void Dispose() => _golden.Dispose();

    private static void AssertRefused(string because, Func<object> attempt)
    {
        string message = Assert.Throws<EvaluationException>(attempt).Message;
        Assert.Contains(because, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }
}
