namespace DinoSharp.Training.Optimizers;

/// <summary>The optimizers of the reference.</summary>
public enum OptimizerKind
{
    AdamW,
    Sgd,
    Lars,
}
