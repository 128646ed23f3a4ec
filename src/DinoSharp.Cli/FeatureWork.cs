using DinoSharp.Data;
using DinoSharp.Evaluation.Features;

namespace DinoSharp.Cli;

/// <summary>Takes features of sets of images, and tells how far it is, what was done before, and where they are kept.</summary>
/// <param name="terminal">where to tell it</param>
/// <param name="cache">folder that keeps the features; null keeps none</param>
internal sealed class FeatureWork(Terminal terminal, string? cache)
{
    /// <summary>Fewer images are soon done again.</summary>
    private const int ManyImages = 1000;

    /// <summary>What is told where there is no such folder.</summary>
    public const string NotKept = "features are not kept: with --cache FOLDER, interrupted work would go on where it stood";

    private bool _toldWhere;

    /// <summary>The features of all usable images of a source, of which each process computes and has its share.</summary>
    /// <param name="loader">the images; what could not be used is in its faults</param>
    /// <param name="function">what is computed of them</param>
    /// <param name="what">what people call the images</param>
    public SharedFeatures Take(EvaluationLoader loader, FeatureFunction function, string what) =>
        Take(what, loader.Source.Count, progress => FeatureExtractor.Shared(loader, function, Ranks.Group, progress, cache));

    /// <summary>Tells the progress of work on a set of images.</summary>
    /// <param name="what">what people call the images</param>
    /// <param name="images">how many there are</param>
    /// <param name="work">is given what to tell the number of images done to, first of those that were done before</param>
    public T Take<T>(string what, int images, Func<Action<int>, T> work)
    {
        TellWhere(images);
        ImageProgress? progress = null;
        bool begun = false;
        try
        {
            var result = work(Show);
            progress?.Finish();
            return result;
        }
        finally
        {
            progress?.Dispose();
        }

        void Show(int done)
        {
            if (!begun)
            {
                begun = true;
                if (done > 0)
                {
                    terminal.Line($"{what}: {Wording.Number(done)} of {Wording.Number(images)} images were done before");
                }

                progress = done < images ? new ImageProgress(terminal, what, images, done) : null;
            }
            else
            {
                progress?.Show(done);
            }
        }
    }

    private void TellWhere(int images)
    {
        if (_toldWhere || (cache is null && images < ManyImages))
        {
            return;
        }

        _toldWhere = true;
        terminal.Line(cache is null
            ? NotKept
            : $"{cache}: keeps the features; interrupted work goes on where it stood");
    }
}
