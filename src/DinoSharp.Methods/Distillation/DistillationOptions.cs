using System.Text.Json.Serialization;
using DinoSharp.Data;
using DinoSharp.Methods.Supervised;
using DinoSharp.Training;

namespace DinoSharp.Methods.Distillation;

/// <summary>What of a teacher a student learns.</summary>
public enum TeacherOutput
{
    /// <summary>The logits of its classifier, softened.</summary>
    Logits,

    /// <summary>The features of its backbone.</summary>
    Features,
}

/// <summary>Settings of knowledge distillation (arXiv 1503.02531).</summary>
public sealed record DistillationOptions : MethodOptions
{
    /// <summary>Not part of a run's identity, as files may be moved: the fingerprint of what is inside is.</summary>
    [JsonIgnore]
    [Setting("the network to learn from: a .pth or .safetensors file, a Hugging Face folder or a run folder")]
    public string TeacherWeights { get; init; } = "";

    [Setting("what of the teacher is learnt: what its classifier says, or its features")]
    public TeacherOutput TeacherOutput { get; init; } = TeacherOutput.Logits;

    /// <summary>The best of the paper's 1, 2, 5 and 10 in its section 4.</summary>
    [Setting("temperature at which student and teacher are compared")]
    public double Temperature { get; init; } = 2;

    [Setting("share of the loss that is the cross-entropy with the images' own labels")]
    public double LabelShare { get; init; }

    /// <summary>Every image is judged by itself.</summary>
    public override bool Accumulates => true;

    /// <exception cref="ArgumentException">The teacher does not fit the images or the student.</exception>
    /// <exception cref="Checkpoints.CheckpointException">The teacher's file is missing, damaged or of another kind.</exception>
    public override TrainingMethod Create(MethodSetup setup) => new DistillationMethod(this, setup);

    public override IViewRecipe Recipe(MultiCropOptions views) => new RandomCropRecipe(PlainCrop.Of(views));

    public override void Validate()
    {
        string? fault =
            TeacherWeights.Length == 0 ? "--teacher-weights is missing: name the file or run folder of the network to learn from" :
            !(Temperature > 0) ? $"the temperature must be above 0, not {Temperature}" :
            LabelShare is not (>= 0 and <= 1) ? $"the share of the labels must be in [0, 1], not {LabelShare}" :
            LabelShare > 0 && TeacherOutput == TeacherOutput.Features
                ? "labels have a share only where the teacher's classifier is learnt: leave out --label-share, or --teacher-output" : null;
        if (fault is not null)
        {
            throw new ArgumentException(fault);
        }
    }
}
