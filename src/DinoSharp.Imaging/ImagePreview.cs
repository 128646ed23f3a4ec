namespace DinoSharp.Imaging;

/// <summary>Images of any number of channels as people see them.</summary>
public static class ImagePreview
{
    /// <summary>An RGB copy: of grey or two channels the first as grey, of more the first three.</summary>
    /// <param name="image">Any image.</param>
    public static PixelImage Of(PixelImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        PixelImage preview = new(image.Width, image.Height);
        ReadOnlySpan<byte> from = image.Pixels;
        Span<byte> to = preview.Pixels;
        int second = image.Channels < 3 ? 0 : 1, third = image.Channels < 3 ? 0 : 2;
        for (int i = 0, j = 0; i < from.Length; i += image.Channels, j += 3)
        {
            (to[j], to[j + 1], to[j + 2]) = (from[i], from[i + second], from[i + third]);
        }

        return preview;
    }
}
