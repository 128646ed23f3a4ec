using System.CommandLine;
using DinoSharp.Evaluation.Video;
using static DinoSharp.Cli.Commands.OptionFactory;

namespace DinoSharp.Cli.Commands;

/// <summary>The options of verbs that follow objects through videos.</summary>
internal sealed class PropagationSettings
{
    /// <summary>What a network has to have for it.</summary>
    public const string Needed = "patch tokens to follow objects by";

    private static readonly PropagationOptions Published = new();

    private readonly Option<int> _imageSize = Value(
        "--image-size", "shorter side of the frames as the network sees them, in pixels", Published.ImageSide, "--imsize");
    private readonly Option<int> _lastFrames = Value(
        "--n-last-frames", "preceding frames that give their labels, beside the first", Published.LastFrames);
    private readonly Option<int> _neighborhood = Value(
        "--size-mask-neighborhood", "patches that a source of labels may be away, in rows and in columns; 0 for any", Published.Neighborhood);
    private readonly Option<int> _topK = Value("--topk", "most similar patches that give a patch its label", Published.TopK);

    // The reference's script has it and does not use it.
    private readonly Option<int?> _batchSize = Maybe<int>("--bs", "has no effect");

    /// <summary>All options, in the order of the help.</summary>
    public IEnumerable<Option> All
    {
        get
        {
            _batchSize.Hidden = true;
            return [_imageSize, _lastFrames, _neighborhood, _topK, _batchSize];
        }
    }

    /// <summary>What a command line asks for.</summary>
    /// <exception cref="ArgumentException">It makes no sense.</exception>
    public PropagationOptions Read(ParseResult parsed) => new PropagationOptions
    {
        ImageSide = parsed.GetValue(_imageSize),
        LastFrames = parsed.GetValue(_lastFrames),
        Neighborhood = parsed.GetValue(_neighborhood),
        TopK = parsed.GetValue(_topK),
    }.Validated();

    /// <summary>In words, for a report.</summary>
    public static string Describe(PropagationOptions options) =>
        $"{options.ImageSide} pixels, {options.LastFrames} last frames, neighbourhood {options.Neighborhood}, top {options.TopK}";
}
