using DinoSharp.Data;
using DinoSharp.Evaluation.CopyDetection;
using static TorchSharp.torch;

namespace DinoSharp.Cli.CopyDetection;

/// <summary>Takes features of sets of images, and tells how far it is and what could not be used.</summary>
/// <param name="extractor">of one network and size</param>
/// <param name="taking">tells how far it is</param>
/// <param name="terminal">where to tell what could not be used</param>
/// <param name="device">where features are compared</param>
internal sealed class CopyWork(CopyFeatureExtractor extractor, FeatureWork taking, Terminal terminal, Device device)
{
    private readonly List<Fault> _faults = [];

    /// <summary>Where to tell things.</summary>
    public Terminal Terminal => terminal;

    /// <summary>Where features are compared.</summary>
    public Device Device => device;

    /// <summary>The images that could not be used so far.</summary>
    public IReadOnlyList<Fault> Faults => _faults;

    /// <summary>The features of a set.</summary>
    /// <param name="what">what people call it</param>
    /// <param name="complete">whether every image has to be usable</param>
    public ImageFeatures Features(IImageSource source, string what, bool complete = false)
    {
        Wording.TellNotices(terminal, source);
        var features = taking.Take(what, source.Count, progress => extractor.Of(source, progress, complete));
        _faults.AddRange(features.Faults);
        Wording.TellFaults(terminal, features.Faults, source.Count, "were left out");
        return features;
    }

    /// <summary>Learns whitening from a set of images.</summary>
    public Whitening LearnWhitening(IImageSource source)
    {
        var rows = Features(source, "whitening").Features.Rows;
        if (rows.Count < rows.Dim)
        {
            terminal.Line($"{source.Path}: {Wording.Number(rows.Count)} images are too few to learn whitening of {rows.Dim} values well; give more");
        }

        return Whitening.Learn(rows, device);
    }
}
