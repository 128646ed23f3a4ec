using System.Runtime.Intrinsics;

namespace DinoSharp.Imaging;

/// <summary>
/// Between the codecs' four bytes a pixel and ours of three. Four pixels go at a time, so both buffers need
/// <see cref="PixelImage.Slack"/> behind their last pixel.
/// </summary>
internal static class RgbaPacking
{
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
}
