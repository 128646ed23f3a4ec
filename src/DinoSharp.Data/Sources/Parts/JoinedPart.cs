namespace DinoSharp.Data;

/// <summary>
/// A source's part of an epoch of several: all of its images in order, as often as that goes, and then so many of them, evenly spread,
/// as the part still lacks.
/// </summary>
/// <param name="Start">Where the part begins in the epoch.</param>
/// <param name="Images">How many images the source has.</param>
/// <param name="Count">How many places the part has, no fewer than images.</param>
internal sealed record JoinedPart(int Start, int Images, int Count)
{
    /// <summary>How often all images are shown.</summary>
    public int Passes => Count / Images;

    /// <summary>How many images are shown once more.</summary>
    public int Remainder => Count % Images;

    /// <summary>How long each source's part is.</summary>
    /// <exception cref="ImageSourceException">The weights are unusable, or the epoch would be too long.</exception>
    public static JoinedPart[] Divide(IReadOnlyList<IImageSource> sources, IReadOnlyList<double>? weights)
    {
        string Named() => string.Join(", ", sources.Select(source => source.Path));
        if (weights is not null && (weights.Count != sources.Count || !weights.All(weight => weight > 0 && double.IsFinite(weight))))
        {
            throw new ImageSourceException(Named(), $"{sources.Count} weights above 0 are needed, one a source; correct them");
        }

        double[] rates = [.. sources.Select((source, i) => (weights is null ? source.Count : weights[i]) / source.Count)];
        double least = rates.Min();
        JoinedPart[] parts = new JoinedPart[sources.Count];
        double total = 0;
        for (int i = 0; i < parts.Length; i++)
        {
            int images = sources[i].Count;
            double count = Math.Round(images * (rates[i] / least));
            if (total + count > Array.MaxLength)
            {
                throw new ImageSourceException(
                    Named(), $"with these weights an epoch would have more than {Array.MaxLength} images; bring them closer together");
            }

            parts[i] = new JoinedPart((int)total, images, (int)count);
            total += count;
        }

        return parts;
    }

    /// <summary>Which image of the source stands at a place of the epoch.</summary>
    public int ImageAt(int index)
    {
        int place = index - Start;
        return place < Passes * Images ? place % Images : Spread(place - (Passes * Images));
    }

    /// <summary>The n-th of the images that are shown once more.</summary>
    private int Spread(int n) => (int)((long)n * Images / Remainder);
}
