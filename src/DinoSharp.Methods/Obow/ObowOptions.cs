using DinoSharp.Data;
using DinoSharp.Training;

namespace DinoSharp.Methods.Obow;

/// <summary>Settings of OBoW; the defaults are the published ones of its full version (arXiv 2012.11552, section 4, and its code).</summary>
public sealed record ObowOptions : MethodOptions
{
    [Setting("visual words of a level")]
    public int VisualWords { get; init; } = 8192;

    [Setting("how sharply a place is assigned to words: 1 over the temperature, for a mean distance of 1")]
    public double WordSharpness { get; init; } = 15;

    [Setting("by what the products of features and word weights are multiplied (kappa)")]
    public double PredictionScale { get; init; } = 8;

    [Setting("momentum of the teacher at the start; it goes to 1")]
    public double TeacherMomentum { get; init; } = 0.99;

    [Setting("side in pixels of the view that the teacher sees; 0: that of a global crop")]
    public int WeakViewSize { get; init; } = 224;

    public override TrainingMethod Create(MethodSetup setup) => new ObowMethod(this, setup);

    /// <summary>The teacher's view first, then the crops.</summary>
    public override IViewRecipe Recipe(MultiCropOptions views) =>
        new WeakViewRecipe(WeakViewSize == 0 ? views.GlobalSize : WeakViewSize, views);

    public override void Validate()
    {
        string? fault =
            VisualWords < 2 ? $"images need at least 2 visual words to be told apart by, not {VisualWords}" :
            WordSharpness is not > 0 ? $"the sharpness of words must be above 0, not {WordSharpness}" :
            PredictionScale is not > 0 ? $"the scale of predictions must be above 0, not {PredictionScale}" :
            TeacherMomentum is not (>= 0 and <= 1) ? $"the teacher's momentum must be in [0, 1], not {TeacherMomentum}" :
            WeakViewSize < 0 ? $"the teacher's view cannot be {WeakViewSize} pixels wide" : null;
        if (fault is not null)
        {
            throw new ArgumentException(fault);
        }
    }
}
