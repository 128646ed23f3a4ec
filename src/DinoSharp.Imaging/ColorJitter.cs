using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DinoSharp.Imaging;

/// <summary>
/// Colour changes of a given strength, in place, equal to torchvision's <c>adjust_*</c> functions on Pillow images. All but the hue
/// are blends of the image with a plainer one: <c>plain + factor * (image - plain)</c>, in single precision and cut off to 8 bits.
/// </summary>
public static unsafe class ColorJitter
{
    /// <summary>Multiplies by <paramref name="factor"/>: 0 gives black, 1 the image itself.</summary>
    /// <param name="image">Any image.</param>
    /// <param name="factor">0 or more.</param>
    public static void Brightness(PixelImage image, float factor)
    {
        Check(image, factor);
        BlendWith(0, image, factor);
    }

    /// <summary>
    /// Scales the distance from the mean luma by <paramref name="factor"/>: 0 gives flat grey, 1 the image itself. Where the image is not
    /// RGB, the mean is that of all samples, which for a grey image is the same.
    /// </summary>
    /// <inheritdoc cref="Brightness" path="/param"/>
    public static void Contrast(PixelImage image, float factor)
    {
        Check(image, factor);
        BlendWith(image.Channels == 3 ? Luma.Mean(image) : MeanSample(image), image, factor);
    }

    /// <summary>Scales each pixel's distance from its luma by <paramref name="factor"/>: 0 gives a grey image, 1 the image itself.</summary>
    /// <param name="image">An RGB image.</param>
    /// <param name="factor">0 or more.</param>
    public static void Saturation(PixelImage image, float factor)
    {
        Check(image, factor);
        image.RequireRgb();
        if (WidePixels.IsSupported)
        {
            SaturationWide(image, factor);
            return;
        }

        Vector256<float> factors = Vector256.Create(factor);
        int length = image.Pixels.Length;
        fixed (byte* pixels = image.PixelsAndSlack)
        {
            for (int i = 0; i < length; i += 24)
            {
                byte* p = pixels + i;
                Vector256<int> luma = Luma.OfEight(p);
                Vector256<int> a = BlendWithLuma(Vector256.Shuffle(luma, Vector256.Create(0, 0, 0, 1, 1, 1, 2, 2)), p, factors);
                Vector256<int> b = BlendWithLuma(Vector256.Shuffle(luma, Vector256.Create(2, 3, 3, 3, 4, 4, 4, 5)), p + 8, factors);
                Vector256<int> c = BlendWithLuma(Vector256.Shuffle(luma, Vector256.Create(5, 5, 6, 6, 6, 7, 7, 7)), p + 16, factors);
                PixelVectors.ToBytes(a.GetLower(), a.GetUpper(), b.GetLower(), b.GetUpper()).Store(p);
                *(ulong*)(p + 16) = PixelVectors.ToBytes(c.GetLower(), c.GetUpper(), default, default).AsUInt64().ToScalar();
            }
        }
    }

    /// <summary>Turns the hue by <paramref name="shift"/> of the colour circle, through Pillow's 8-bit HSV.</summary>
    /// <param name="image">An RGB image.</param>
    /// <param name="shift">Part of the circle, from -0.5 to 0.5.</param>
    public static void Hue(PixelImage image, float shift)
    {
        ArgumentNullException.ThrowIfNull(image);
        image.RequireRgb();
        if (!(Math.Abs(shift) <= 0.5f))
        {
            throw new ArgumentOutOfRangeException(nameof(shift), shift, "A hue shift lies between -0.5 and 0.5.");
        }

        int steps = (int)(shift * 255.0); // truncated, as torchvision's cast
        int length = image.Pixels.Length;
        fixed (byte* pixels = image.PixelsAndSlack)
        {
            for (int i = 0; WidePixels.IsSupported && i < length; i += WidePixels.Length)
            {
                WideHue.Rotate(pixels + i, steps);
            }

            for (int i = 0; !WidePixels.IsSupported && i < length; i += 24)
            {
                HueRotation.RotateEight(pixels + i, steps);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> BlendWithLuma(Vector256<int> luma, byte* samples, Vector256<float> factors) =>
        Blend(Vector256.ConvertToSingle(luma), PixelVectors.LoadToInt32(samples) - luma, factors);

    private static void SaturationWide(PixelImage image, float factor)
    {
        Vector512<float> factors = Vector512.Create(factor);
        int length = image.Pixels.Length;
        fixed (byte* pixels = image.PixelsAndSlack)
        {
            for (int i = 0; i < length; i += WidePixels.Length)
            {
                (Vector512<int> r, Vector512<int> g, Vector512<int> b) = WidePixels.Load(pixels + i);
                Vector512<int> luma = WidePixels.LumaOf(r, g, b);
                Vector512<float> plain = Vector512.ConvertToSingle(luma);
                r = Blend(plain, r - luma, factors);
                g = Blend(plain, g - luma, factors);
                b = Blend(plain, b - luma, factors);
                WidePixels.Store(r | (g << 8) | (b << 16), pixels + i);
            }
        }
    }

    private static void BlendWith(int plain, PixelImage image, float factor)
    {
        int length = image.Pixels.Length;
        fixed (byte* pixels = image.PixelsAndSlack)
        {
            if (!SampleLookup.IsSupported || length <= SampleLookup.TableSize)
            {
                BlendWith(plain, pixels, length, factor);
                return;
            }

            // What becomes of a sample depends on nothing else.
            byte* table = stackalloc byte[SampleLookup.TableSize];
            for (int i = 0; i < SampleLookup.TableSize; i++)
            {
                table[i] = (byte)i;
            }

            BlendWith(plain, table, SampleLookup.TableSize, factor);
            SampleLookup.Apply(pixels, length, table);
        }
    }

    private static void BlendWith(int plain, byte* samples, int length, float factor)
    {
        Vector256<float> plains = Vector256.Create((float)plain), factors = Vector256.Create(factor);
        Vector256<int> less = Vector256.Create(plain);
        for (int i = 0; i < length; i += 16)
        {
            Vector256<int> a = Blend(plains, PixelVectors.LoadToInt32(samples + i) - less, factors);
            Vector256<int> b = Blend(plains, PixelVectors.LoadToInt32(samples + i + 8) - less, factors);
            PixelVectors.ToBytes(a.GetLower(), a.GetUpper(), b.GetLower(), b.GetUpper()).Store(samples + i);
        }
    }

    /// <summary>The mean of all samples, rounded.</summary>
    private static int MeanSample(PixelImage image)
    {
        ReadOnlySpan<byte> samples = image.Pixels;
        int whole = samples.Length & ~15;
        Vector256<ulong> sums = Vector256<ulong>.Zero;
        for (int i = 0; i < whole; i += 16)
        {
            Vector256<ushort> sixteen = Vector256.WidenLower(Vector128.Create(samples.Slice(i, 16)).ToVector256Unsafe());
            Vector256<uint> pairs = Vector256.WidenLower(sixteen) + Vector256.WidenUpper(sixteen);
            sums += Vector256.WidenLower(pairs) + Vector256.WidenUpper(pairs);
        }

        ulong sum = Vector256.Sum(sums);
        foreach (byte sample in samples[whole..])
        {
            sum += sample;
        }

        return (int)((double)sum / samples.Length + 0.5);
    }

    // Product and sum are rounded one by one, so no fused multiply-add.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Blend(Vector256<float> plain, Vector256<int> beyond, Vector256<float> factors)
    {
        Vector256<float> blend = plain + factors * Vector256.ConvertToSingle(beyond);
        return Vector256.ConvertToInt32Native(Vector256.ClampNative(blend, Vector256<float>.Zero, Vector256.Create(255f)));
    }

    /// <inheritdoc cref="Blend(Vector256{float}, Vector256{int}, Vector256{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Blend(Vector512<float> plain, Vector512<int> beyond, Vector512<float> factors)
    {
        Vector512<float> blend = plain + factors * Vector512.ConvertToSingle(beyond);
        return Vector512.ConvertToInt32Native(Vector512.ClampNative(blend, Vector512<float>.Zero, Vector512.Create(255f)));
    }

    private static void Check(PixelImage image, float factor)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (!(factor >= 0 && factor <= float.MaxValue))
        {
            throw new ArgumentOutOfRangeException(nameof(factor), factor, "A factor is a finite number, 0 or more.");
        }
    }
}
