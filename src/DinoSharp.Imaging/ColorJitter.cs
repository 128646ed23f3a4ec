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
    /// <param name="image">An RGB image.</param>
    /// <param name="factor">0 or more.</param>
    public static void Brightness(PixelImage image, float factor)
    {
        Check(image, factor);
        BlendWith(0, image, factor);
    }

    /// <summary>Scales the distance from the mean luma by <paramref name="factor"/>: 0 gives flat grey, 1 the image itself.</summary>
    /// <inheritdoc cref="Brightness" path="/param"/>
    public static void Contrast(PixelImage image, float factor)
    {
        Check(image, factor);
        BlendWith(Luma.Mean(image), image, factor);
    }

    /// <summary>Scales each pixel's distance from its luma by <paramref name="factor"/>: 0 gives a grey image, 1 the image itself.</summary>
    /// <inheritdoc cref="Brightness" path="/param"/>
    public static void Saturation(PixelImage image, float factor)
    {
        Check(image, factor);
        Vector256<float> factors = Vector256.Create(factor);
        int length = image.Pixels.Length;
        fixed (byte* pixels = image.PixelsAndSlack)
        {
            for (int i = 0; i < length; i += 24)
            {
                byte* p = pixels + i;
                Vector256<int> luma = Luma.OfEight(p);
                Vector256<int> a = Blend(Vector256.Shuffle(luma, Vector256.Create(0, 0, 0, 1, 1, 1, 2, 2)), PixelVectors.LoadToInt32(p), factors);
                Vector256<int> b = Blend(Vector256.Shuffle(luma, Vector256.Create(2, 3, 3, 3, 4, 4, 4, 5)), PixelVectors.LoadToInt32(p + 8), factors);
                Vector256<int> c = Blend(Vector256.Shuffle(luma, Vector256.Create(5, 5, 6, 6, 6, 7, 7, 7)), PixelVectors.LoadToInt32(p + 16), factors);
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
            for (int i = 0; i < length; i += 24)
            {
                HueRotation.RotateEight(pixels + i, steps);
            }
        }
    }

    private static void BlendWith(int plain, PixelImage image, float factor)
    {
        Vector256<int> plains = Vector256.Create(plain);
        Vector256<float> factors = Vector256.Create(factor);
        int length = image.Pixels.Length;
        fixed (byte* pixels = image.PixelsAndSlack)
        {
            for (int i = 0; i < length; i += 16)
            {
                Vector256<int> a = Blend(plains, PixelVectors.LoadToInt32(pixels + i), factors);
                Vector256<int> b = Blend(plains, PixelVectors.LoadToInt32(pixels + i + 8), factors);
                PixelVectors.ToBytes(a.GetLower(), a.GetUpper(), b.GetLower(), b.GetUpper()).Store(pixels + i);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Blend(Vector256<int> plain, Vector256<int> samples, Vector256<float> factors)
    {
        // Product and sum are rounded one by one, so no fused multiply-add.
        Vector256<float> blend = Vector256.ConvertToSingle(plain) + factors * Vector256.ConvertToSingle(samples - plain);
        return Vector256.ConvertToInt32Native(Vector256.ClampNative(blend, Vector256<float>.Zero, Vector256.Create(255f)));
    }

    private static void Check(PixelImage image, float factor)
    {
        ArgumentNullException.ThrowIfNull(image);
        image.RequireRgb();
        if (!(factor >= 0 && factor <= float.MaxValue))
        {
            throw new ArgumentOutOfRangeException(nameof(factor), factor, "A factor is a finite number, 0 or more.");
        }
    }
}
