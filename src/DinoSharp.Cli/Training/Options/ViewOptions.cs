using System.CommandLine;
using DinoSharp.Cli.Commands;
using DinoSharp.Data;
using static DinoSharp.Cli.Commands.OptionFactory;

namespace DinoSharp.Cli.Training;

/// <summary>What "dino train" shows of an image.</summary>
/// <param name="published">the method's; its values are the defaults that the help names</param>
internal sealed class ViewOptions(MultiCropOptions published)
{
    private readonly Option<int> _globalSize = Value(
        "--global-crops-size", "side of the global crops in pixels", published.GlobalSize, "--image-size");
    private readonly Option<int> _localSize = Value("--local-crops-size", "side of the local crops in pixels", published.LocalSize);
    private readonly Option<Interval> _globalScale = Range(
        "--global-crops-scale", "part of the image's area in a global crop", published.GlobalScale);
    private readonly Option<Interval> _localScale = Range(
        "--local-crops-scale", "part of the image's area in a local crop", published.LocalScale);
    private readonly Option<Interval> _ratio = Range("--crops-ratio", "width over height of what a crop covers", published.Ratio);
    private readonly Option<int> _localCount = Value("--local-crops-number", "local crops an image", published.LocalCount);
    private readonly Option<double> _flip = Value("--flip-probability", "chance that a crop is mirrored", published.FlipProbability);
    private readonly Option<double> _jitter = Value(
        "--jitter-probability", "chance that a crop's colours change", published.JitterProbability);
    private readonly Option<double> _brightness = Value("--brightness", "largest change of brightness", published.Brightness);
    private readonly Option<double> _contrast = Value("--contrast", "largest change of contrast", published.Contrast);
    private readonly Option<double> _saturation = Value("--saturation", "largest change of saturation", published.Saturation);
    private readonly Option<double> _hue = Value("--hue", "largest change of hue, as part of the circle", published.Hue);
    private readonly Option<double> _grayscale = Value(
        "--grayscale-probability", "chance that a crop loses its colours", published.GrayscaleProbability);
    private readonly Option<double> _blurFirst = Value(
        "--first-global-blur-probability", "chance that the first global crop is blurred", published.FirstGlobalBlurProbability);
    private readonly Option<double> _blurSecond = Value(
        "--second-global-blur-probability", "chance that the second global crop is blurred", published.SecondGlobalBlurProbability);
    private readonly Option<double> _blurLocal = Value(
        "--local-blur-probability", "chance that a local crop is blurred", published.LocalBlurProbability);
    private readonly Option<Interval> _blurRadius = Range("--blur-radius", "standard deviation of the blur in pixels", published.BlurRadius);
    private readonly Option<double> _solarize = Value(
        "--solarize-probability", "chance that the second global crop is solarised", published.SolarizeProbability);
    private readonly Option<bool> _exact = Flag(
        "--exact-views", "makes views of every pixel; else photographs that all crops shrink anyway are decoded at 1/2, 1/4 or 1/8");

    public Option[] All =>
    [
        _globalSize, _localSize, _localCount, _globalScale, _localScale, _ratio, _flip, _jitter, _brightness, _contrast, _saturation, _hue,
        _grayscale, _blurFirst, _blurSecond, _blurLocal, _blurRadius, _solarize, _exact,
    ];

    /// <summary>The size of the global crops, if the command line names it.</summary>
    public int? NamedSize(ParseResult parsed) => parsed.IsGiven(_globalSize) ? parsed.GetValue(_globalSize) : null;

    /// <summary>The settings, with what the command line names in place of what was chosen for it.</summary>
    public MultiCropOptions Read(ParseResult parsed, MultiCropOptions chosen) => chosen with
    {
        GlobalSize = parsed.Or(_globalSize, chosen.GlobalSize),
        LocalSize = parsed.Or(_localSize, chosen.LocalSize),
        LocalCount = parsed.Or(_localCount, chosen.LocalCount),
        GlobalScale = parsed.Or(_globalScale, chosen.GlobalScale),
        LocalScale = parsed.Or(_localScale, chosen.LocalScale),
        Ratio = parsed.Or(_ratio, chosen.Ratio),
        FlipProbability = parsed.Or(_flip, chosen.FlipProbability),
        JitterProbability = parsed.Or(_jitter, chosen.JitterProbability),
        Brightness = parsed.Or(_brightness, chosen.Brightness),
        Contrast = parsed.Or(_contrast, chosen.Contrast),
        Saturation = parsed.Or(_saturation, chosen.Saturation),
        Hue = parsed.Or(_hue, chosen.Hue),
        GrayscaleProbability = parsed.Or(_grayscale, chosen.GrayscaleProbability),
        FirstGlobalBlurProbability = parsed.Or(_blurFirst, chosen.FirstGlobalBlurProbability),
        SecondGlobalBlurProbability = parsed.Or(_blurSecond, chosen.SecondGlobalBlurProbability),
        LocalBlurProbability = parsed.Or(_blurLocal, chosen.LocalBlurProbability),
        BlurRadius = parsed.Or(_blurRadius, chosen.BlurRadius),
        SolarizeProbability = parsed.Or(_solarize, chosen.SolarizeProbability),
        Exact = parsed.Or(_exact, chosen.Exact),
    };
}
