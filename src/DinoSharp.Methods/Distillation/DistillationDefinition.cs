using DinoSharp.Methods.Supervised;

namespace DinoSharp.Methods.Distillation;

/// <summary>
/// Knowledge distillation. Its paper (arXiv 1503.02531) trains no network of ours, so optimizer, rates and views are those of training with
/// labels, without what changes targets.
/// </summary>
public sealed class DistillationDefinition : MethodDefinition
{
    public override string Name => "distillation";

    public override string Title => "Distillation";

    public override string Paper => "arXiv 1503.02531";

    public override bool NeedsTeacher => true;

    public override MethodSettings Published(bool transformer) => SupervisedDefinition.Of(new DistillationOptions(), transformer);

    public override MethodSettings Fitted(MethodSettings published, Fitting fitting) =>
        published with { Training = fitting.Training(published.Training) };
}
