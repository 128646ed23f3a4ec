using DinoSharp.Data;
using DinoSharp.Imaging;

namespace DinoSharp.Cli.Training;

/// <summary>What settings have to fit: how many images there are, and how large.</summary>
/// <param name="Images">how many</param>
/// <param name="Side">median of their shorter sides in pixels</param>
internal sealed record DataFacts(int Images, int Side)
{
    /// <summary>Of a large set only so many images, evenly spread, are looked at.</summary>
    private const int LookedAt = 15;

    /// <summary>Looks at some of a source's images; those that cannot be used tell nothing.</summary>
    /// <param name="source">stays the caller's</param>
    /// <param name="decoding">what images are decoded to</param>
    public static DataFacts Of(IImageSource source, DecodeOptions decoding)
    {
        FaultLog faults = new();
        List<int> sides = [];
        int count = Math.Min(LookedAt, source.Count);
        for (int i = 0; i < count; i++)
        {
            using var image = faults.TryLoad(source, (int)((long)i * source.Count / count), decoding);
            if (image is not null)
            {
                sides.Add(Math.Min(image.Width, image.Height));
            }
        }

        sides.Sort();
        return new DataFacts(source.Count, sides.Count > 0 ? sides[sides.Count / 2] : new MultiCropOptions().GlobalSize);
    }
}
