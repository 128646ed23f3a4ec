using DinoSharp.Evaluation.Features;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Knn;

/// <summary>The k-NN protocol on two tables of features.</summary>
public static class KnnEvaluation
{
    /// <summary>How well the labels of one table follow from the other's. Classes are matched by name.</summary>
    /// <param name="train">labelled features that vote</param>
    /// <param name="test">labelled features that are classified</param>
    /// <param name="options">settings</param>
    /// <param name="device">where to compute; the CPU if not given</param>
    /// <exception cref="EvaluationException">A table has no labels, or the two do not fit together.</exception>
    public static IReadOnlyList<KnnScore> Score(FeatureTable train, FeatureTable test, KnnOptions? options = null, Device? device = null) =>
        Score(SharedFeatures.Of(train), SharedFeatures.Of(test), options, device);

    /// <summary>The same of features that several processes share: each finds the nearest neighbours in its share of those that vote.</summary>
    /// <returns>on each of the processes</returns>
    /// <exception cref="EvaluationException">A table has no labels, or the two do not fit together.</exception>
    public static IReadOnlyList<KnnScore> Score(SharedFeatures train, SharedFeatures test, KnnOptions? options = null, Device? device = null)
    {
        if (train.Labels.Length == 0 || test.Labels.Length == 0)
        {
            throw new EvaluationException("k-NN needs labels: class folders (CLASS/*.jpg) or a .csv with the columns path and label");
        }

        if (train.Rows.Dim != test.Rows.Dim)
        {
            throw new EvaluationException(
                $"training features have {train.Rows.Dim} dimensions and test features {test.Rows.Dim}: both need one network and size");
        }

        // A class that only the test set has cannot be found, and counts as missed.
        List<string> classes = [.. train.Classes.Union(test.Classes)];
        long[] testLabels = [.. test.Labels.Select(l => (long)classes.IndexOf(test.Classes[(int)l]))];
        using var scope = NewDisposeScope();
        using var classifier = new KnnClassifier(
            train.Rows, tensor(train.Labels, ScalarType.Int64), classes.Count, options, device ?? CPU);
        return classifier.Evaluate(test.Rows, tensor(testLabels, ScalarType.Int64));
    }
}
