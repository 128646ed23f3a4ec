using DinoSharp.Data;
using DinoSharp.Evaluation.Features;
using DinoSharp.Evaluation.Knn;
using DinoSharp.Imaging;

namespace DinoSharp.Evaluation.Tests.Knn;

/// <summary>The protocol on tables of features, and raw pixels as such tables.</summary>
public sealed class KnnEvaluationTests
{
    private static readonly KnnOptions NearestOnly = new() { Ks = [1] };

    [Fact]
    public void Raw_pixels_are_centred_on_the_training_sets_mean_image()
    {
        using var train = new OneColorSource([0, 51, 102], [255, 153, 0]);
        using var test = new OneColorSource([255, 255, 255]);
        var (trainTable, testTable) = RawPixels.Tables(Loader(train), Loader(test));
        AssertClose([-0.5f, -0.2f, 0.2f, 0.5f, 0.2f, -0.2f], trainTable.Values);
        AssertClose([0.5f, 0.6f, 0.8f], testTable.Values);
    }

    [Fact]
    public void Classes_are_matched_by_name_and_one_that_only_the_test_set_has_is_missed()
    {
        var train = new FeatureTable(["a", "b"], [0, 1], ["cat", "dog"], [1, 0, 0, 1], 2);
        var test = new FeatureTable(["c", "d", "e", "f"], [1, 0, 1, 2], ["dog", "cat", "emu"], [1, 0, 0, 1, 1, 0, 0, 1], 2);
        var score = Assert.Single(KnnEvaluation.Score(train, test, NearestOnly));
        Assert.Equal(75, score.Top1);
    }

    [Fact]
    public void Tables_that_cannot_be_compared_are_refused()
    {
        var labelled = new FeatureTable(["a"], [0], ["cat"], [1, 0], 2);
        var unlabelled = new FeatureTable(["a"], [], [], [1, 0], 2);
        var longer = new FeatureTable(["a"], [0], ["cat"], [1, 0, 0], 3);
        Assert.Contains("needs labels", Assert.Throws<EvaluationException>(() => KnnEvaluation.Score(labelled, unlabelled)).Message, StringComparison.Ordinal);
        Assert.Contains("dimensions", Assert.Throws<EvaluationException>(() => KnnEvaluation.Score(labelled, longer)).Message, StringComparison.Ordinal);
    }

    private static EvaluationLoader Loader(IImageSource source) => new(source, new EvaluationRecipe(1, 1), new LoaderOptions());

    private static void AssertClose(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-6f));
    }

    private sealed class OneColorSource(params byte[][] pixels) : IImageSource
    {
        public string Path => "memory";

        public int Count => pixels.Length;

        public IReadOnlyList<string> Classes => ["only"];

        public string NameOf(int index) => $"color {index}";

        public int LabelOf(int index) => 0;

        public PixelImage Load(int index, DecodeOptions options)
        {
            var image = new PixelImage(2, 1);
            pixels[index].CopyTo(image.Pixels);
            pixels[index].CopyTo(image.Pixels[3..]);
            return image;
        }

        public void Dispose()
        {
        }
    }
}
