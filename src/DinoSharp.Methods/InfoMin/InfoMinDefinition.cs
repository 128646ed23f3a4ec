using DinoSharp.Data;
using DinoSharp.Methods.MocoV2;

namespace DinoSharp.Methods.InfoMin;

/// <summary>
/// InfoMin's settings: as published for ResNet-50 (arXiv 2005.10243 and its code), and fitted. For transformers its paper has none: the
/// rates are those of MoCo v2 here.
/// </summary>
public sealed class InfoMinDefinition : MethodDefinition
{
    /// <summary>Sides in pixels of a jigsaw's piece and of the views beside it.</summary>
    private const int Piece = 64, View = 224;

    /// <summary>Side in pixels of the smallest piece that shows anything.</summary>
    private const int SmallestPiece = 8;

    public override string Name => "infomin";

    public override string Title => "InfoMin";

    public override string Paper => "arXiv 2005.10243";

    public override MethodSettings Published(bool transformer) => new(
        new InfoMinOptions(),
        MocoV2Definition.Training(transformer),
        MocoV2Definition.Views with
        {
            Brightness = 0.8,
            Contrast = 0.8,
            Saturation = 0.8,
            Hue = 0.2,
            LocalCount = 1,
            LocalSize = JigsawView.Grid * Piece,
            LocalScale = new(0.6, 1),
            LocalBlurProbability = 0,
        });

    public override MethodSettings Fitted(MethodSettings published, Fitting fitting)
    {
        var options = (InfoMinOptions)published.Method;
        return new(
            options with
            {
                QueueSize = QueueSettings.Queue(options.QueueSize, fitting),
                KeyMomentum = fitting.Momentum("--key-momentum", options.KeyMomentum, QueueSettings.LeastMomentum),
                NormGroups = QueueSettings.Groups(options.NormGroups, fitting),
            },
            fitting.Training(published.Training),
            fitting.Views(published.Views));
    }

    /// <summary>A jigsaw whose pieces are two sevenths of a view wide, as published.</summary>
    public override int? LocalSize(int globalSize) =>
        JigsawView.Grid * Math.Max((int)Math.Round((double)Piece * globalSize / View), SmallestPiece);
}
