using DinoSharp.Models.Heads;
using DinoSharp.Training;

namespace DinoSharp.Methods.InstanceClassification;

/// <summary>Settings of instance discrimination with a memory; the defaults are the published ones (arXiv 1805.01978, section 3 and code).</summary>
public sealed record InstanceMemoryOptions : MethodOptions
{
    [Setting("length of an output, and of each image's entry in the memory")]
    public int ProjectionDim { get; init; } = 128;

    [Setting("entries drawn that each image is compared with; 0 for all, by the softmax itself")]
    public int Negatives { get; init; } = 4096;

    [Setting("temperature of the similarities")]
    public double Temperature { get; init; } = 0.07;

    [Setting("what is kept of an image's entry when the image was seen")]
    public double MemoryMomentum { get; init; } = 0.5;

    /// <summary>
    /// λ of the proximal regularisation. The authors' code has none and leaves its work, that an image's output does not jump from one visit
    /// to the next, to the memory's momentum.
    /// </summary>
    [Setting("how strongly an output is held to the image's last one; 0 for not")]
    public double ProximalWeight { get; init; }

    /// <summary>The shape of the projection: one linear layer.</summary>
    internal MlpHeadOptions Head => new() { Layers = 1, OutputDim = ProjectionDim };

    public override TrainingMethod Create(MethodSetup setup) => new InstanceMemoryMethod(this, setup);

    public override void Validate()
    {
        Head.Validated();
        string? fault =
            Negatives < 0 ? $"an image cannot be compared with {Negatives} others" :
            !(Temperature > 0) ? $"the temperature must be above 0, not {Temperature}" :
            MemoryMomentum is not (>= 0 and < 1) ? $"the momentum of the memory must be in [0, 1), not {MemoryMomentum}" :
            !(ProximalWeight >= 0) ? $"the weight of the proximal term cannot be negative, as {ProximalWeight} is" : null;
        if (fault is not null)
        {
            throw new ArgumentException(fault);
        }
    }
}
