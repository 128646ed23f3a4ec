using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DinoSharp.Imaging;

/// <summary>
/// Between the codecs' four bytes a pixel and ours of one, three or four. Four pixels go at a time, so all buffers need
/// <see cref="PixelImage.Slack"/> behind their last pixel.
/// </summary>
internal static class RgbaPacking
{
    /// <summary>Bytes of a buffer for so many pixels, which <see cref="ImageDecoder.CheckSize"/> has let pass.</summary>
    public static int BufferSize(int pixels) => 4 * pixels + PixelImage.Slack;

    /// <summary>Fills an image of 1, 3 or 4 channels from as many pixels.</summary>
    public static void Pack(ReadOnlySpan<byte> rgba, PixelImage image)
    {
        int count = image.Width * image.Height;
        switch (image.Channels)
        {
            case 1:
                ToLuma(rgba, image.PixelsAndSlack, count);
                break;
            case 3:
                Narrow(rgba, image.PixelsAndSlack, count);
                break;
            default:
                rgba[..(4 * count)].CopyTo(image.Pixels);
                break;
        }
    }

    /// <summary>Drops the fourth byte of each pixel.</summary>
    public static void Narrow(ReadOnlySpan<byte> rgba, Span<byte> rgb, int count)
    {
        Vector128<byte> order = Vector128.Create((byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 255, 255, 255, 255);
        for (int pixel = 0; pixel < count; pixel += 4)
        {
            Vector128<byte> four = Vector128.Create(rgba.Slice(pixel * 4, 16));
            Vector128.Shuffle(four, order).CopyTo(rgb.Slice(pixel * 3, 16));
        }
    }

    /// <summary>Adds a fourth, opaque byte to each pixel.</summary>
    public static void Widen(ReadOnlySpan<byte> rgb, Span<byte> rgba, int count)
    {
        Vector128<byte> order = Vector128.Create((byte)0, 1, 2, 255, 3, 4, 5, 255, 6, 7, 8, 255, 9, 10, 11, 255);
        Vector128<byte> opaque = Vector128.Create(0xFF000000u).AsByte();
        for (int pixel = 0; pixel < count; pixel += 4)
        {
            Vector128<byte> four = Vector128.Create(rgb.Slice(pixel * 3, 16));
            (Vector128.Shuffle(four, order) | opaque).CopyTo(rgba.Slice(pixel * 4, 16));
        }
    }

    /// <summary>The luma of each pixel (as <see cref="Luma.Of"/> has it), whatever its fourth byte.</summary>
    public static void ToLuma(ReadOnlySpan<byte> rgba, Span<byte> luma, int count)
    {
        Vector128<uint> low = Vector128.Create(255u), half = Vector128.Create(32768u);
        for (int pixel = 0; pixel < count; pixel += 4)
        {
            Vector128<uint> four = Vector128.Create(rgba.Slice(pixel * 4, 16)).AsUInt32();
            Vector128<uint> sums = (four & low) * 19595u + ((four >> 8) & low) * 38470u + ((four >> 16) & low) * 7471u + half;
            Vector128<ushort> words = Vector128.Narrow(sums >> 16, Vector128<uint>.Zero);
            uint bytes = Vector128.Narrow(words, Vector128<ushort>.Zero).AsUInt32().ToScalar();
            MemoryMarshal.Write(luma.Slice(pixel, 4), bytes);
        }
    }

    /// <summary>Lays each pixel over an opaque colour, rounded to nearest as Pillow's alpha_composite does; all become opaque.</summary>
    public static void Compose(Span<byte> rgba, PixelColor background)
    {
        for (int at = 0; at < rgba.Length; at += 4)
        {
            int alpha = rgba[at + 3];
            rgba[at] = Over(rgba[at], background.Red, alpha);
            rgba[at + 1] = Over(rgba[at + 1], background.Green, alpha);
            rgba[at + 2] = Over(rgba[at + 2], background.Blue, alpha);
            rgba[at + 3] = byte.MaxValue;
        }
    }

    /// <summary>Divides colours by the alpha that they are multiplied by, rounded down as Pillow does.</summary>
    public static void Unpremultiply(Span<byte> rgba)
    {
        for (int at = 0; at < rgba.Length; at += 4)
        {
            int alpha = rgba[at + 3];
            for (int i = at; alpha > 0 && i < at + 3; i++)
            {
                rgba[i] = (byte)Math.Min(255, rgba[i] * 255 / alpha);
            }
        }
    }

    private static byte Over(int above, int below, int alpha) => (byte)((above * alpha + below * (255 - alpha) + 127) / 255);
}
