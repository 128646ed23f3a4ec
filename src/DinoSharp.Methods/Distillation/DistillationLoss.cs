using static TorchSharp.torch;

namespace DinoSharp.Methods.Distillation;

/// <summary>How far a student is from its teacher.</summary>
public static class DistillationLoss
{
    /// <summary>
    /// T² · KL(softmax(t / T) ‖ softmax(s / T)), the mean over images (arXiv 1503.02531, section 2). It has the gradients of the
    /// cross-entropy with soft targets and is 0 where both agree; T² keeps the size of gradients whatever the temperature.
    /// </summary>
    /// <param name="student">logits // [B, C]</param>
    /// <param name="teacher">logits; no gradient goes there // [B, C]</param>
    /// <param name="temperature">T</param>
    /// <returns>// []</returns>
    public static Tensor OfLogits(Tensor student, Tensor teacher, double temperature)
    {
        using var scope = NewDisposeScope();
        var targets = (teacher.detach() / temperature).log_softmax(1); // [B, C]
        var outputs = (student / temperature).log_softmax(1); // [B, C]
        return ((targets.exp() * (targets - outputs)).sum(1).mean() * (temperature * temperature)).MoveToOuterDisposeScope();
    }

    /// <summary>‖s/‖s‖ − t/‖t‖‖² = 2 − 2 cos(s, t), the mean over images.</summary>
    /// <param name="student">features, projected to the teacher's length // [B, D]</param>
    /// <param name="teacher">features; no gradient goes there // [B, D]</param>
    /// <returns>// []</returns>
    public static Tensor OfFeatures(Tensor student, Tensor teacher)
    {
        using var scope = NewDisposeScope();
        return (2 - 2 * nn.functional.cosine_similarity(student, teacher.detach(), dim: 1).mean()).MoveToOuterDisposeScope();
    }
}
