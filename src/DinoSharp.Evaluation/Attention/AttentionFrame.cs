using DinoSharp.Imaging;

namespace DinoSharp.Evaluation.Attention;

/// <summary>How a frame of a video shows attention.</summary>
public enum FrameMode
{
    /// <summary>The map in colours, least to most of the frame.</summary>
    Heatmap,

    /// <summary>The frame, darkened where the mask has taken patches away.</summary>
    Overlay,
}

/// <summary>Draws the attention to one frame of a video; all frames of one size alike.</summary>
public sealed record AttentionFrame
{
    /// <summary>What several heads beside each other may be wide, in pixels: as much as a screen shows.</summary>
    private const int MostWidth = 1920;

    private const int HeadsInRow = 3;
    private const int Gap = 4;
    private const byte Paper = 255;

    /// <summary>The kind of picture.</summary>
    public FrameMode Mode { get; init; }

    /// <summary>Which heads are shown, beside each other; none stands for the mean of all.</summary>
    public IReadOnlyList<int> Heads { get; init; } = [];

    /// <summary>The share of the attention that overlays keep.</summary>
    public double Mass { get; init; } = AttentionMap.DefaultMass;

    /// <summary>Draws a frame.</summary>
    /// <param name="frame">RGB, at least as large as its maps</param>
    /// <param name="heads">its maps</param>
    /// <returns>RGB, for the caller to dispose</returns>
    public PixelImage Draw(PixelImage frame, IReadOnlyList<AttentionMap> heads)
    {
        if (Heads.Count <= 1)
        {
            return Draw(frame, Heads.Count == 0 ? AttentionMaps.Mean(heads) : heads[Heads[0]]);
        }

        // A row for few heads, else about as many rows as columns.
        int columns = Heads.Count <= HeadsInRow ? Heads.Count : (int)Math.Ceiling(Math.Sqrt(Heads.Count));
        int rows = (Heads.Count - 1) / columns + 1;
        double scale = Math.Min(1, (double)(MostWidth - (columns - 1) * Gap) / columns / heads[0].Width);
        int width = Math.Max(1, (int)(heads[0].Width * scale)), height = Math.Max(1, (int)(heads[0].Height * scale));
        var all = new PixelImage(columns * (width + Gap) - Gap, rows * (height + Gap) - Gap);
        all.Pixels.Fill(Paper);
        using var tile = new PixelImage(width, height);
        for (int i = 0; i < Heads.Count; i++)
        {
            using var one = Draw(frame, heads[Heads[i]]);
            Resampler.Resize(one, CropBox.Whole(one), tile, ResampleFilter.Bilinear);
            PixelOperations.Paste(tile, all, i / columns * (height + Gap), i % columns * (width + Gap));
        }

        return all;
    }

    private PixelImage Draw(PixelImage frame, AttentionMap map) => Mode == FrameMode.Heatmap ? map.Heatmap() : map.Overlay(frame, Mass);
}
