using DinoSharp.Data;
using DinoSharp.Evaluation.Features;
using DinoSharp.Evaluation.Knn;
using DinoSharp.Models.Backbones;

namespace DinoSharp.Cli.Training;

/// <summary>The k-NN score of a backbone in training, on a labelled set that is held out.</summary>
/// <param name="path">of the labelled set</param>
/// <param name="recipe">how images are shown</param>
/// <param name="loading">how images are loaded</param>
/// <param name="request">where it is computed, and by which processes: they share the images and the search</param>
internal sealed class OnlineKnn(string path, EvaluationRecipe recipe, LoaderOptions loading, RunRequest request) : IDisposable
{
    /// <summary>Under which the score stands in the metrics.</summary>
    public const string ScoreName = "knn_top1";

    /// <summary>The published k (arXiv 2104.14294, section 4.1).</summary>
    private static readonly KnnOptions Options = new() { Ks = [20] };

    private readonly HeldOut _sets = HeldOut.Open(path);

    /// <summary>Top-1 in percent.</summary>
    public double Score(Backbone backbone)
    {
        if (request.Group.Size > 1)
        {
            foreach (var statistics in backbone.buffers().Where(buffer => buffer.is_floating_point()))
            {
                request.Group.Broadcast(statistics); // MoCo v2's groups of batch norm have their own on each process; the run's are the first's
            }
        }

        return KnnEvaluation.Score(Features(_sets.Train), Features(_sets.Test), Options, request.Device)[0].Top1;

        SharedFeatures Features(IImageSource source) =>
            FeatureExtractor.Shared(new EvaluationLoader(source, recipe, loading), FeatureFunction.Of(backbone), request.Group);
    }

    public void Dispose() => _sets.Dispose();
}
