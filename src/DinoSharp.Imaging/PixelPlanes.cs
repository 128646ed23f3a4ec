using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DinoSharp.Imaging;

/// <summary>From interleaved 8-bit samples to a plane of floats a channel, as networks take them.</summary>
public static unsafe class PixelPlanes
{
    private const int PixelsAtOnce = 16;
    private const byte Zero = 255;

    /// <summary>
    /// Sample p of channel c becomes <c>pixels[p * channels + c] * scale[c] + shift[c]</c>, in single precision and rounded twice, and goes
    /// to <c>planes[c * count + p]</c>, where count is the number of pixels.
    /// </summary>
    /// <param name="pixels">Interleaved samples.</param>
    /// <param name="scale">A factor a channel; there are as many channels as factors.</param>
    /// <param name="shift">A summand a channel.</param>
    /// <param name="planes">As many numbers as there are samples.</param>
    /// <exception cref="ArgumentException">The lengths do not fit together.</exception>
    public static void Normalize(ReadOnlySpan<byte> pixels, ReadOnlySpan<float> scale, ReadOnlySpan<float> shift, Span<float> planes)
    {
        int channels = scale.Length;
        if (channels == 0 || shift.Length != channels || pixels.Length % channels != 0 || planes.Length != pixels.Length)
        {
            throw new ArgumentException(
                $"{pixels.Length} samples, {scale.Length} factors, {shift.Length} summands and {planes.Length} results do not fit together.");
        }

        int count = pixels.Length / channels;
        fixed (byte* samples = pixels)
        fixed (float* to = planes)
        {
            if (count >= PixelsAtOnce && channels == 3)
            {
                Rgb(samples, count, scale, shift, to);
            }
            else if (count >= PixelsAtOnce && channels == 1)
            {
                for (int i = 0; i < count; i += PixelsAtOnce)
                {
                    int p = Math.Min(i, count - PixelsAtOnce);
                    Store(Vector128.Load(samples + p), scale[0], shift[0], to + p);
                }
            }
            else
            {
                EachChannel(samples, count, scale, shift, to);
            }
        }
    }

    private static void Rgb(byte* samples, int count, ReadOnlySpan<float> scale, ReadOnlySpan<float> shift, float* planes)
    {
        (float scaleR, float scaleG, float scaleB) = (scale[0], scale[1], scale[2]);
        (float shiftR, float shiftG, float shiftB) = (shift[0], shift[1], shift[2]);
        float* green = planes + count, blue = green + count;
        for (int i = 0; i < count; i += PixelsAtOnce)
        {
            // The last block overlaps the one before.
            int p = Math.Min(i, count - PixelsAtOnce);
            byte* from = samples + 3L * p;
            Vector128<byte> a = Vector128.Load(from), b = Vector128.Load(from + 16), c = Vector128.Load(from + 32);
            Vector128<byte> r =
                Vector128.Shuffle(a, Vector128.Create(0, 3, 6, 9, 12, 15, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero)) |
                Vector128.Shuffle(b, Vector128.Create(Zero, Zero, Zero, Zero, Zero, Zero, 2, 5, 8, 11, 14, Zero, Zero, Zero, Zero, Zero)) |
                Vector128.Shuffle(c, Vector128.Create(Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero, 1, 4, 7, 10, 13));
            Vector128<byte> g =
                Vector128.Shuffle(a, Vector128.Create(1, 4, 7, 10, 13, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero)) |
                Vector128.Shuffle(b, Vector128.Create(Zero, Zero, Zero, Zero, Zero, 0, 3, 6, 9, 12, 15, Zero, Zero, Zero, Zero, Zero)) |
                Vector128.Shuffle(c, Vector128.Create(Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero, 2, 5, 8, 11, 14));
            Vector128<byte> bl =
                Vector128.Shuffle(a, Vector128.Create(2, 5, 8, 11, 14, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero)) |
                Vector128.Shuffle(b, Vector128.Create(Zero, Zero, Zero, Zero, Zero, 1, 4, 7, 10, 13, Zero, Zero, Zero, Zero, Zero, Zero)) |
                Vector128.Shuffle(c, Vector128.Create(Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero, 0, 3, 6, 9, 12, 15));
            Store(r, scaleR, shiftR, planes + p);
            Store(g, scaleG, shiftG, green + p);
            Store(bl, scaleB, shiftB, blue + p);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector128<byte> samples, float scale, float shift, float* to)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            Vector512<uint> wide = Vector512.WidenLower(Vector256.WidenLower(samples.ToVector256Unsafe()).ToVector512Unsafe());
            (Vector512.ConvertToSingle(wide.AsInt32()) * Vector512.Create(scale) + Vector512.Create(shift)).Store(to);
        }
        else
        {
            Vector256<ushort> wide = Vector256.WidenLower(samples.ToVector256Unsafe());
            Vector256<float> scales = Vector256.Create(scale), shifts = Vector256.Create(shift);
            (Vector256.ConvertToSingle(Vector256.WidenLower(wide).AsInt32()) * scales + shifts).Store(to);
            (Vector256.ConvertToSingle(Vector256.WidenUpper(wide).AsInt32()) * scales + shifts).Store(to + 8);
        }
    }

    private static void EachChannel(byte* samples, int count, ReadOnlySpan<float> scale, ReadOnlySpan<float> shift, float* planes)
    {
        int channels = scale.Length;
        for (int c = 0; c < channels; c++)
        {
            byte* from = samples + c;
            float* to = planes + (long)c * count;
            for (int p = 0; p < count; p++)
            {
                float product = from[(long)p * channels] * scale[c];
                to[p] = product + shift[c];
            }
        }
    }
}
