using DinoSharp.Imaging;

namespace DinoSharp.Evaluation.Attention;

/// <summary>How much attention each patch of an image gets, and pictures of it.</summary>
/// <param name="weights">one a patch, not negative, row-major // [rows, columns]</param>
/// <param name="rows">patches from top to bottom</param>
/// <param name="columns">patches from left to right</param>
/// <param name="patchSize">side of a patch in pixels</param>
public sealed class AttentionMap(float[] weights, int rows, int columns, int patchSize)
{
    /// <summary>The share of the attention that <see cref="Mask"/> keeps, as in arXiv 2104.14294, figure 4.</summary>
    public const double DefaultMass = 0.6;

    /// <summary>Attention of the patches, row-major // [Rows, Columns]</summary>
    public ReadOnlySpan<float> Weights => weights;

    /// <summary>Patches from top to bottom.</summary>
    public int Rows => rows;

    /// <summary>Patches from left to right.</summary>
    public int Columns => columns;

    /// <summary>Side of a patch in pixels.</summary>
    public int PatchSize => patchSize;

    /// <summary>Height of the pictures, in pixels: the image's, cut to whole patches.</summary>
    public int Height => rows * patchSize;

    /// <summary>Width of the pictures, in pixels: the image's, cut to whole patches.</summary>
    public int Width => columns * patchSize;

    /// <summary>
    /// The patches with the most attention that hold together a share of all of it: those left when the others, least attention first,
    /// are taken away.
    /// </summary>
    /// <param name="mass">the share, in 0 .. 1</param>
    /// <returns>row-major // [Rows, Columns]</returns>
    public bool[] Mask(double mass = DefaultMass)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(mass);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(mass, 1);
        int[] order = [.. Enumerable.Range(0, weights.Length).OrderBy(i => weights[i])]; // a stable sort
        double takenAway = weights.Sum(w => (double)w) * (1 - mass);
        double sum = 0;
        bool[] kept = new bool[weights.Length];
        foreach (int patch in order)
        {
            sum += weights[patch];
            kept[patch] = sum > takenAway;
        }

        return kept;
    }

    /// <summary>The attention in colours, least to most, a square of pixels a patch.</summary>
    public PixelImage Heatmap()
    {
        float least = weights.Min(), range = weights.Max() - least;
        var picture = new PixelImage(Width, Height);
        var pixels = picture.Pixels;
        for (int y = 0, at = 0; y < Height; y++)
        {
            for (int x = 0; x < Width; x++, at += 3)
            {
                float weight = range > 0 ? (weights[PatchAt(y, x)] - least) / range : 0;
                (pixels[at], pixels[at + 1], pixels[at + 2]) = ColorMap.Of(weight);
            }
        }

        return picture;
    }

    /// <summary>What <see cref="Mask"/> keeps in white, and the rest in black.</summary>
    /// <param name="mass">the share of the attention to keep</param>
    public PixelImage MaskPicture(double mass = DefaultMass)
    {
        bool[] mask = Mask(mass);
        var picture = new PixelImage(Width, Height);
        for (int y = 0, at = 0; y < Height; y++)
        {
            for (int x = 0; x < Width; x++, at += 3)
            {
                picture.Pixels.Slice(at, 3).Fill(mask[PatchAt(y, x)] ? byte.MaxValue : byte.MinValue);
            }
        }

        return picture;
    }

    /// <summary>The image, darkened where <see cref="Mask"/> has taken patches away and tinted where it keeps them.</summary>
    /// <param name="image">the RGB image the map is of, at least as large as the map</param>
    /// <param name="mass">the share of the attention to keep</param>
    public PixelImage Overlay(PixelImage image, double mass = DefaultMass)
    {
        if (image.Channels != 3 || image.Width < Width || image.Height < Height)
        {
            throw new ArgumentException($"the overlay needs an RGB image of at least {Width} x {Height} pixels", nameof(image));
        }

        bool[] mask = Mask(mass);
        var picture = new PixelImage(Width, Height);
        for (int y = 0; y < Height; y++)
        {
            var from = image.Pixels.Slice(y * image.Width * 3, Width * 3);
            var to = picture.Pixels.Slice(y * Width * 3, Width * 3);
            for (int i = 0; i < to.Length; i++)
            {
                to[i] = MaskTint.Of(from[i], i % 3, mask[PatchAt(y, i / 3)]);
            }
        }

        return picture;
    }

    private int PatchAt(int y, int x) => y / patchSize * columns + x / patchSize;
}
