using System.CommandLine;
using DinoSharp.Data;
using DinoSharp.Models.Backbones;
using static DinoSharp.Cli.Commands.OptionFactory;

namespace DinoSharp.Cli.Commands;

/// <summary>The options of verbs that take features of many images: how these are loaded, and which view of them is taken.</summary>
internal sealed class LoadingOptions(int batchSize = 64)
{
    /// <summary>The size of the published evaluations (arXiv 2104.14294, appendix D), for networks that do not say theirs.</summary>
    private const int UsualSize = 224;

    /// <summary>What a ResNet's small stem is made for.</summary>
    private const int IconSize = 32;

    private readonly Option<int?> _imageSize = Maybe<int>(
        "--image-size",
        "side of the view in pixels; by default a Vision Transformer's as it was trained, 32 for a ResNet with a small stem, else 224");
    private readonly Option<int?> _resize = Maybe<int>(
        "--resize",
        "what an image's shorter side is resized to before the middle is cut out; by default 8/7 of the view, or of icons the view");
    private readonly Option<int> _batchSize = Value("--batch-size", "images at once", batchSize, "--batch-size-per-gpu");
    private readonly Option<int> _threads = Value(
        "--threads", "threads that load images", Ranks.Group.Processors, "--num-workers");
    private readonly DecodingOptions _decoding = new();
    private readonly Option<double> _faultShare = Value("--fault-share", "part of the images that may be unusable", 0.05);

    /// <summary>All options, in the order of the help.</summary>
    public IEnumerable<Option> All => [_imageSize, _resize, _batchSize, _threads, _faultShare, .. _decoding.All];

    /// <summary>How a command line wants images loaded.</summary>
    /// <exception cref="RequestException">A number makes no sense.</exception>
    public LoaderOptions Loader(ParseResult parsed) => new()
    {
        Decoding = _decoding.Read(parsed, channels: 3),
        BatchSize = Positive(_batchSize, parsed.GetValue(_batchSize)),
        Threads = Positive(_threads, parsed.GetValue(_threads)),
        FaultShareLimit = parsed.GetValue(_faultShare) is >= 0 and <= 1 and var share
            ? share
            : throw new RequestException($"{_faultShare.Name} is a part of the images, from 0 to 1"),
    };

    /// <summary>The view for a backbone: as large as its training's images, unless the command line says otherwise.</summary>
    /// <exception cref="RequestException">A size makes no sense, or the network cannot take it.</exception>
    public EvaluationRecipe View(ParseResult parsed, Backbone backbone)
    {
        var view = View(parsed, backbone switch
        {
            VisionTransformer transformer => transformer.Options.ImageSize,
            ResNet { Options.SmallStem: true } => IconSize,
            _ => UsualSize,
        });
        return view.CropSize >= backbone.MinimumImageSide
            ? view
            : throw new RequestException(
                $"{_imageSize.Name} {view.CropSize} is smaller than one patch of this network; give {backbone.MinimumImageSide} or more");
    }

    /// <summary>The view of a size that the command line may change.</summary>
    /// <exception cref="RequestException">A size makes no sense.</exception>
    public EvaluationRecipe View(ParseResult parsed, int size)
    {
        int side = InRange(_imageSize, parsed.GetValue(_imageSize) ?? size, 1);
        return parsed.GetValue(_resize) is { } resize
            ? new EvaluationRecipe(InRange(_resize, resize, side), side)
            : EvaluationView.Of(side);
    }

    private static int Positive(Option option, int value) =>
        value >= 1 ? value : throw new RequestException($"{option.Name} is at least 1, not {value}");

    private static int InRange(Option option, int value, int least) => value >= least && value <= EvaluationView.MaxSide
        ? value
        : throw new RequestException($"{option.Name} is from {least} to {EvaluationView.MaxSide} here, not {value}");
}
