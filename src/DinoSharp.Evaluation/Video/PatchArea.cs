namespace DinoSharp.Evaluation.Video;

/// <summary>A rectangle of patches of a frame.</summary>
internal readonly record struct PatchArea(int Top, int Left, int Rows, int Columns)
{
    public int Count => Rows * Columns;

    /// <summary>The rectangle with a margin on all sides, cut to a grid.</summary>
    public PatchArea Grown(int margin, int rows, int columns)
    {
        int top = Math.Max(0, Top - margin), left = Math.Max(0, Left - margin);
        return new(top, left, Math.Min(rows, Top + Rows + margin) - top, Math.Min(columns, Left + Columns + margin) - left);
    }
}
