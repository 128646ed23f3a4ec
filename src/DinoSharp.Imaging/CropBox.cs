namespace DinoSharp.Imaging;

/// <summary>A rectangle of whole pixels within an image, in the order in which torchvision names a crop.</summary>
public readonly record struct CropBox(int Top, int Left, int Height, int Width)
{
    /// <summary>The box that covers <paramref name="image"/>.</summary>
    public static CropBox Whole(PixelImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return new CropBox(0, 0, image.Height, image.Width);
    }

    internal bool LiesIn(PixelImage image) => LiesIn(image.Width, image.Height);

    internal bool LiesIn(int width, int height) =>
        Top >= 0 && Left >= 0 && Height > 0 && Width > 0 && Height <= height - Top && Width <= width - Left;
}
