namespace DinoSharp.Imaging;

/// <summary>
/// An image from NumPy's array file: the one format here of any number of channels.
/// <para>
/// Two axes are rows and columns of one channel. Of three, the channels' axis is the one as long as <see cref="DecodeOptions.Channels"/>
/// says, the last if the first is, too; if neither is, the last if its length is 1, 3 or 4, else the first if its length is. The other
/// two are rows and columns.
/// </para>
/// </summary>
internal static class NpyReader
{
    public static bool Recognises(ReadOnlySpan<byte> encoded) => NpyHeader.Recognises(encoded);

    /// <exception cref="ImageFormatException">
    /// The file is damaged, no image, of an element type that has no meaning as one, holds what is no number, or has channels that
    /// cannot be converted.
    /// </exception>
    public static PixelImage Decode(ReadOnlySpan<byte> encoded, string name, DecodeOptions options)
    {
        NpyHeader header = NpyHeader.Read(encoded, name);
        ReadOnlySpan<byte> data = encoded[header.DataOffset..];
        Layout layout = LayoutOf(header, options.Channels, name);
        bool bigEndian = header.ElementType.StartsWith('>');
        PixelImage image = header.ElementType switch
        {
            "|u1" => Read<NpyByte>(data, bigEndian, layout, name, options),
            "|b1" => Read<NpyBoolean>(data, bigEndian, layout, name, options),
            "<u2" or ">u2" => Read<NpyUInt16>(data, bigEndian, layout, name, options),
            "<f2" or ">f2" => Read<NpyHalf>(data, bigEndian, layout, name, options),
            "<f4" or ">f4" => Read<NpySingle>(data, bigEndian, layout, name, options),
            "<f8" or ">f8" => Read<NpyDouble>(data, bigEndian, layout, name, options),
            _ => throw new ImageFormatException(
                name,
                $"elements of type {Printable(header.ElementType)} are no samples of an image; "
                    + "uint8, uint16, bool, and float16, float32 and float64 from 0 to 1 are"),
        };
        return ChannelConversion.To(image, options.Channels, name);
    }

    private static string Printable(string type) => string.Concat(type.Select(c => char.IsControl(c) ? '?' : c));

    private static Layout LayoutOf(NpyHeader header, int channels, string name)
    {
        int[] shape = header.Shape;
        if (shape.Length is not (2 or 3))
        {
            throw new ImageFormatException(
                name, $"an array of {shape.Length} axes is no image; it takes rows and columns, and may have channels");
        }

        // Elements between neighbours on each axis. They may overflow only where the declared size is not that of the data.
        long[] strides = new long[shape.Length];
        long stride = 1;
        for (int i = 0; i < shape.Length; i++)
        {
            int axis = header.FortranOrder ? i : shape.Length - 1 - i;
            strides[axis] = stride;
            stride = unchecked(stride * shape[axis]);
        }

        if (shape.Length == 2)
        {
            return new Layout(shape[0], shape[1], 1, strides[0], strides[1], 0);
        }

        bool last = shape[2] == channels || (shape[0] != channels && shape[2] is 1 or 3 or 4);
        if (!last && shape[0] != channels && shape[0] is not (1 or 3 or 4))
        {
            throw new ImageFormatException(
                name, $"no axis of the array of {shape[0]} x {shape[1]} x {shape[2]} can be the channels', of which {channels} are asked for");
        }

        return last
            ? new Layout(shape[0], shape[1], shape[2], strides[0], strides[1], strides[2])
            : new Layout(shape[1], shape[2], shape[0], strides[1], strides[2], strides[0]);
    }

    private static PixelImage Read<TSample>(ReadOnlySpan<byte> data, bool bigEndian, in Layout layout, string name, DecodeOptions options)
        where TSample : INpySample
    {
        (int height, int width, int channels) = (layout.Height, layout.Width, layout.Channels);
        ImageDecoder.CheckSize(width, height, name, options);
        if (channels < 1)
        {
            throw new ImageFormatException(name, "the image declares no channels");
        }

        // Width times height is within MaxPixels, so that nothing overflows here.
        long declared = (long)width * height;
        if (declared > data.Length / channels / TSample.Size || declared * channels * TSample.Size != data.Length)
        {
            throw new ImageFormatException(
                name, $"the array declares {height} x {width} x {channels} elements of {TSample.Size} bytes, and {data.Length} bytes follow");
        }

        if (declared * channels > Array.MaxLength - PixelImage.Slack)
        {
            throw new ImageFormatException(name, "the image needs more than 2 GB");
        }

        PixelImage image = new(width, height, channels);
        if (!Fill<TSample>(image, data, bigEndian, layout))
        {
            image.Dispose();
            throw new ImageFormatException(name, "the array holds NaN, which is no brightness");
        }

        return image;
    }

    /// <summary>Whether all elements are numbers.</summary>
    private static bool Fill<TSample>(PixelImage image, ReadOnlySpan<byte> data, bool bigEndian, in Layout layout)
        where TSample : INpySample
    {
        Span<byte> pixels = image.Pixels;
        if (typeof(TSample) == typeof(NpyByte) && layout.IsInterleaved)
        {
            data.CopyTo(pixels);
            return true;
        }

        int right = (int)(layout.ColumnStride * TSample.Size), deep = (int)(layout.ChannelStride * TSample.Size), at = 0;
        int signs = 0;
        for (int y = 0; y < image.Height; y++)
        {
            int source = (int)(y * layout.RowStride * TSample.Size);
            for (int x = 0; x < image.Width; x++, source += right)
            {
                for (int c = 0; c < image.Channels; c++)
                {
                    int sample = TSample.ToSample(data[(source + c * deep)..], bigEndian);
                    signs |= sample;
                    pixels[at++] = (byte)sample;
                }
            }
        }

        return signs >= 0;
    }

    /// <summary>An array as an image. Strides are in elements.</summary>
    private readonly record struct Layout(int Height, int Width, int Channels, long RowStride, long ColumnStride, long ChannelStride)
    {
        public bool IsInterleaved =>
            (Channels == 1 || ChannelStride == 1)
            && (Width == 1 || ColumnStride == Channels)
            && (Height == 1 || RowStride == (long)Width * Channels);
    }
}
