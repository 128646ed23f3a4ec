namespace DinoSharp.Imaging;

/// <summary>EXIF's eight orientations: which side of the stored pixels is the picture's top, and which its left.</summary>
internal static class ImageOrientation
{
    /// <summary>The picture is stored as it is meant to be seen.</summary>
    public const int Upright = 1;

    /// <summary>Whether the stored rows are the picture's columns.</summary>
    public static bool Transposes(int orientation) => orientation >= 5;

    /// <summary>The picture as it is meant to be seen: the image itself if it is upright; otherwise a new one, and it is disposed.</summary>
    public static PixelImage Apply(PixelImage image, int orientation)
    {
        if (orientation == Upright)
        {
            return image;
        }

        using (image)
        {
            bool transposes = Transposes(orientation);
            PixelImage turned = transposes ? new(image.Height, image.Width, image.Channels) : new(image.Width, image.Height, image.Channels);

            // Where the turned picture's first pixel is stored, and how far its neighbours to the right and below are from it.
            bool fromRight = orientation is 2 or 3 or 7 or 8, fromBottom = orientation is 3 or 4 or 6 or 7;
            int channels = image.Channels, row = image.Width * channels;
            int origin = (fromRight ? row - channels : 0) + (fromBottom ? (image.Height - 1) * row : 0);
            int column = fromRight ? -channels : channels;
            row = fromBottom ? -row : row;
            (int right, int down) = transposes ? (row, column) : (column, row);

            ReadOnlySpan<byte> from = image.Pixels;
            Span<byte> to = turned.Pixels;
            for (int y = 0, at = 0; y < turned.Height; y++)
            {
                int source = origin + y * down;
                for (int x = 0; x < turned.Width; x++, source += right)
                {
                    for (int c = 0; c < channels; c++)
                    {
                        to[at++] = from[source + c];
                    }
                }
            }

            return turned;
        }
    }
}
