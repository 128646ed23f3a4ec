using DinoSharp.Data;

namespace DinoSharp.Cli;

/// <summary>The view of an image that features are taken of.</summary>
internal static class EvaluationView
{
    /// <summary>Pictures of icon size are shown whole: cutting off their margins would cost too much of them.</summary>
    private const int ShownWhole = 64;

    /// <summary>The largest side a view may have, in pixels.</summary>
    public const int MaxSide = EvaluationRecipe.MaxSize * 7 / 8;

    /// <summary>The usual middle crop, 224 of 256 pixels or in proportion.</summary>
    /// <param name="side">of the view in pixels</param>
    public static EvaluationRecipe Of(int side) => new(side <= ShownWhole ? side : side * 8 / 7, side);
}
