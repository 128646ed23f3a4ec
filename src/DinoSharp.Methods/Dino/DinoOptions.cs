using DinoSharp.Models.Heads;
using DinoSharp.Training;

namespace DinoSharp.Methods.Dino;

/// <summary>What the teacher is built from (arXiv 2104.14294, section 5.2 and table 14).</summary>
public enum TeacherKind
{
    /// <summary>Exponential moving average of the student: the published choice.</summary>
    Momentum,

    /// <summary>The student as it was at the end of the previous epoch.</summary>
    PreviousEpoch,

    /// <summary>The student as it was one step before.</summary>
    PreviousStep,

    /// <summary>The student itself.</summary>
    Student,
}

/// <summary>Which crops the student sees.</summary>
public enum StudentCrops
{
    /// <summary>All of them, as in the paper's equation 3 and its code.</summary>
    All,

    /// <summary>The local ones only, as DINO is often drawn.</summary>
    Local,
}

/// <summary>Settings of DINO; the defaults are the reference's.</summary>
public sealed record DinoOptions : MethodOptions
{
    /// <summary>The projection head; K is its <see cref="DinoHeadOptions.OutputDim"/>.</summary>
    public DinoHeadOptions Head { get; init; } = new();

    /// <summary>τs.</summary>
    public double StudentTemperature { get; init; } = 0.1;

    /// <summary>τt after its warm-up. Sharpening is τt below τs.</summary>
    public double TeacherTemperature { get; init; } = 0.04;

    /// <summary>τt in epoch 0.</summary>
    public double WarmupTeacherTemperature { get; init; } = 0.04;

    /// <summary>Epochs over which τt goes to its final value in a straight line.</summary>
    public int WarmupTeacherTemperatureEpochs { get; init; }

    /// <summary>Whether the teacher is sharper than the student. Off, τt is τs: collapse to the uniform distribution is to be expected.</summary>
    public bool Sharpening { get; init; } = true;

    /// <summary>Whether the centre is taken from the teacher's logits. Off, collapse to one dimension is to be expected.</summary>
    public bool Centering { get; init; } = true;

    /// <summary>Momentum m of the centre.</summary>
    public double CenterMomentum { get; init; } = 0.9;

    /// <summary>λ of the teacher's moving average at the start; it goes to 1 along a cosine.</summary>
    public double TeacherMomentum { get; init; } = 0.996;

    /// <summary>Epochs at the start in which the head's last layer does not move.</summary>
    public int FreezeLastLayerEpochs { get; init; } = 1;

    public TeacherKind Teacher { get; init; } = TeacherKind.Momentum;

    public StudentCrops StudentSees { get; init; } = StudentCrops.All;

    /// <summary>The centre moves once a step, by all parts of a batch.</summary>
    public override bool Accumulates => true;

    public override TrainingMethod Create(MethodSetup setup) => new DinoMethod(
        setup.CreateBackbone(true), setup.CreateBackbone(false), this, setup.Views.LocalCount, setup.Plan, setup.Device, setup.Share);

    public override void Validate()
    {
        Head.Validated();
        string? fault =
            StudentTemperature <= 0 || TeacherTemperature <= 0 || WarmupTeacherTemperature <= 0 ? "temperatures must be above 0" :
            WarmupTeacherTemperatureEpochs < 0 || FreezeLastLayerEpochs < 0 ? "numbers of epochs cannot be negative" :
            CenterMomentum is < 0 or > 1 ? $"centre momentum must be in [0, 1], not {CenterMomentum}" :
            TeacherMomentum is < 0 or > 1 ? $"teacher momentum must be in [0, 1], not {TeacherMomentum}" : null;
        if (fault is not null)
        {
            throw new ArgumentException(fault);
        }
    }
}
