using System.IO.Hashing;
using System.Numerics;
using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>
/// What a picture looks like in 128 bits: whether luma rises from each place of a 9 x 9 picture to its right neighbour, and to the one
/// below. Scaling, compression and a change of brightness hardly change it.
/// </summary>
internal readonly record struct PictureHash(ulong Across, ulong Down)
{
    private const int Side = 9;

    /// <summary>Pictures whose luma differs by less say nothing by its rise and fall.</summary>
    private const int LeastContrast = 8;

    /// <summary>How many of the 128 bits differ.</summary>
    public int DistanceTo(PictureHash other) => BitOperations.PopCount(Across ^ other.Across) + BitOperations.PopCount(Down ^ other.Down);

    /// <summary>One of eight parts of 16 bits.</summary>
    public ushort Part(int part) => (ushort)((part < 4 ? Across : Down) >> (part % 4 * 16));

    /// <summary>A picture's hash; null for one that is flat.</summary>
    public static PictureHash? Of(PixelImage picture)
    {
        using PixelImage small = new(Side, Side, picture.Channels);
        Resampler.Resize(picture, EvaluationRecipe.Middle(picture), small, ResampleFilter.Bilinear);
        using PixelImage grey = ChannelConversion.To(ImagePreview.Of(small), 1, "picture");
        ReadOnlySpan<byte> luma = grey.Pixels;
        if (Contrast(luma) < LeastContrast)
        {
            return null;
        }

        ulong across = 0, down = 0;
        for (int y = 0; y < Side - 1; y++)
        {
            for (int x = 0; x < Side - 1; x++)
            {
                int at = y * Side + x;
                across = across << 1 | (luma[at + 1] > luma[at] ? 1UL : 0);
                down = down << 1 | (luma[at + Side] > luma[at] ? 1UL : 0);
            }
        }

        return new PictureHash(across, down);
    }

    /// <summary>A hash of size and pixels: equal for the same picture, however it is stored.</summary>
    public static UInt128 OfPixels(PixelImage picture) =>
        XxHash128.HashToUInt128(picture.Pixels, (long)picture.Width << 32 | (uint)picture.Channels);

    private static int Contrast(ReadOnlySpan<byte> luma)
    {
        byte least = byte.MaxValue, most = byte.MinValue;
        foreach (byte value in luma)
        {
            least = Math.Min(least, value);
            most = Math.Max(most, value);
        }

        return most - least;
    }
}
