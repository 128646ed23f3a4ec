using DinoSharp.Models.Heads;
using DinoSharp.Training;

namespace DinoSharp.Methods.MocoV2;

/// <summary>Settings of MoCo v2; the defaults are the published ones (arXiv 2003.04297 and its code).</summary>
public sealed record MocoV2Options : MethodOptions
{
    [Setting("keys of earlier images to tell an image from; whole batches")]
    public int QueueSize { get; init; } = 65536;

    [Setting("momentum of the key encoder")]
    public double KeyMomentum { get; init; } = 0.999;

    [Setting("temperature of the loss: lower ones look at the most similar keys more")]
    public double Temperature { get; init; } = 0.2;

    [Setting("width of the hidden layer of the projector")]
    public int HiddenDim { get; init; } = 2048;

    [Setting("length of a query and of a key")]
    public int ProjectionDim { get; init; } = 128;

    [Setting("groups that a batch is cut into for batch norm, the keys' images shuffled between them")]
    public int NormGroups { get; init; } = 8;

    /// <summary>The shape of the projector.</summary>
    internal MlpHeadOptions Head => new() { Layers = 2, HiddenDim = HiddenDim, OutputDim = ProjectionDim, BatchNorm = false };

    public override TrainingMethod Create(MethodSetup setup) => new MocoV2Method(this, setup);

    public override void Validate()
    {
        Head.Validated();
        QueueSettings.Check(QueueSize, KeyMomentum, Temperature, NormGroups);
    }
}
