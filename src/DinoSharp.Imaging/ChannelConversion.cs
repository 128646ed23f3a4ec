namespace DinoSharp.Imaging;

/// <summary>Between grey, RGB, and RGB with a fourth channel.</summary>
public static class ChannelConversion
{
    /// <summary>
    /// The image with another number of channels, as Pillow's <c>convert</c> makes it: grey is replicated, colours become luma, a missing
    /// alpha is opaque and one too many is dropped. The image itself, if it has as many already; otherwise it is disposed.
    /// </summary>
    /// <param name="image">Any image; it becomes the result's owner's.</param>
    /// <param name="channels">Channels of the result.</param>
    /// <param name="name">What errors call the image.</param>
    /// <exception cref="ImageFormatException">There is no such conversion.</exception>
    public static PixelImage To(PixelImage image, int channels, string name)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image.Channels == channels)
        {
            return image;
        }

        using (image)
        {
            if (image.Channels is not (1 or 3 or 4) || channels is not (1 or 3 or 4))
            {
                throw new ImageFormatException(name, $"it has {image.Channels} channel(s), and {channels} are asked for");
            }

            PixelImage result = new(image.Width, image.Height, channels);
            ReadOnlySpan<byte> from = image.Pixels;
            Span<byte> to = result.Pixels;
            for (int i = 0, j = 0; i < from.Length; i += image.Channels, j += channels)
            {
                (byte red, byte green, byte blue) = image.Channels == 1 ? (from[i], from[i], from[i]) : (from[i], from[i + 1], from[i + 2]);
                if (channels == 1)
                {
                    to[j] = Luma.Of(red, green, blue);
                    continue;
                }

                (to[j], to[j + 1], to[j + 2]) = (red, green, blue);
                if (channels == 4)
                {
                    to[j + 3] = byte.MaxValue;
                }
            }

            return result;
        }
    }
}
