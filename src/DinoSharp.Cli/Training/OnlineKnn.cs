using DinoSharp.Data;
using DinoSharp.Evaluation.Features;
using DinoSharp.Evaluation.Knn;
using DinoSharp.Models.Backbones;
using static TorchSharp.torch;

namespace DinoSharp.Cli.Training;

/// <summary>The k-NN score of a backbone in training, on a labelled set that is held out.</summary>
internal sealed class OnlineKnn(string path, EvaluationRecipe recipe, LoaderOptions loading, Device device) : IDisposable
{
    /// <summary>Under which the score stands in the metrics.</summary>
    public const string ScoreName = "knn_top1";

    /// <summary>The published k (arXiv 2104.14294, section 4.1).</summary>
    private static readonly KnnOptions Options = new() { Ks = [20] };

    private readonly HeldOut _sets = HeldOut.Open(path);

    /// <summary>Top-1 in percent.</summary>
    public double Score(Backbone backbone)
    {
        var train = FeatureExtractor.Table(backbone, new EvaluationLoader(_sets.Train, recipe, loading));
        var test = FeatureExtractor.Table(backbone, new EvaluationLoader(_sets.Test, recipe, loading));
        return KnnEvaluation.Score(train, test, Options, device)[0].Top1;
    }

    public void Dispose() => _sets.Dispose();
}
