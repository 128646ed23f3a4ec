using DinoSharp.Data;
using DinoSharp.Methods;
using DinoSharp.Methods.NoisyStudent;

namespace DinoSharp.Cli.Classification;

/// <summary>Labelled images, and behind them images that a teacher labelled, as one source.</summary>
internal sealed class PseudoLabelledImages : IDisposable
{
    /// <param name="labelled">stays the caller's</param>
    /// <param name="unlabelled">stays the caller's</param>
    /// <param name="chosen">pseudo-labels to learn from; an image may be there several times</param>
    /// <param name="hard">whether the teacher's most probable class counts alone</param>
    /// <exception cref="ImageSourceException">Not all images of the labelled set have a label.</exception>
    public PseudoLabelledImages(IImageSource labelled, IImageSource unlabelled, IReadOnlyList<PseudoLabel> chosen, bool hard)
    {
        Targets = new SoftLabels(ImageLabels.Of(labelled), labelled.Count, chosen, hard);
        Source = JoinedSource.Join(
        [
            new SubsetSource(labelled, [.. Enumerable.Range(0, labelled.Count)]),
            new SubsetSource(unlabelled, [.. chosen.Select(label => label.Image)]),
        ]);
    }

    public IImageSource Source { get; }

    public SoftLabels Targets { get; }

    public void Dispose() => Source.Dispose();
}
