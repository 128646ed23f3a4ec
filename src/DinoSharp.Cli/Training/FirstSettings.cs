using DinoSharp.Data;

namespace DinoSharp.Cli.Training;

/// <summary>Sizes of "dino train" that fit the images: as published, less what does not suit their size or number.</summary>
internal sealed record FirstSettings
{
    /// <summary>Images whose shorter side is below this part of the published crops are not enlarged to them.</summary>
    private const double SmallPart = 0.7;

    /// <summary>Up to this side in pixels images are icons: a ResNet keeps their size at first, and larger batches cost little.</summary>
    private const int IconSide = 64;

    private FirstSettings(int shorterSide, int images, MultiCropOptions published)
    {
        (PatchSize, GlobalSize, LocalSize) = (16, published.GlobalSize, published.LocalSize);
        if (shorterSide < SmallPart * published.GlobalSize)
        {
            // About 64 patches an image, as the recipes for small images have.
            PatchSize = shorterSide <= 48 ? 4 : shorterSide <= 112 ? 8 : 16;
            GlobalSize = WholePatches(shorterSide);
            LocalSize = WholePatches(GlobalSize / 2);
        }

        SmallStem = GlobalSize <= IconSide;
        BatchSize = Math.Min(SmallStem ? 128 : 64, 1 << (int)Math.Log2(Math.Max(images / 2, 1)));
    }

    /// <summary>Side of a transformer's patch.</summary>
    public int PatchSize { get; }

    /// <summary>Whether a ResNet has a stem for icons.</summary>
    public bool SmallStem { get; }

    public int GlobalSize { get; }

    public int LocalSize { get; }

    public int BatchSize { get; }

    /// <param name="shorterSide">Median of the images' shorter sides in pixels, or the size that was asked for.</param>
    /// <param name="images">How many there are.</param>
    /// <param name="published">the views that have to fit; null for DINO's</param>
    public static FirstSettings For(int shorterSide, int images, MultiCropOptions? published = null) => new(shorterSide, images, published ?? new());

    private int WholePatches(int side) => Math.Max(side / PatchSize, 1) * PatchSize;
}
