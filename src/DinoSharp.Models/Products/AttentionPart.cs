namespace DinoSharp.Models.Products;

/// <summary>What one thread computes of an attention: some queries of one head in one image.</summary>
/// <param name="Row">of the image's first token</param>
/// <param name="Tokens">of the image</param>
/// <param name="Head">which</param>
/// <param name="FirstQuery">among the image's tokens</param>
/// <param name="Queries">how many</param>
internal readonly record struct AttentionPart(nint Row, nint Tokens, nint Head, nint FirstQuery, nint Queries)
{
    /// <summary>So many keys are met at once; whole tiles of rows and of columns.</summary>
    public const int Keys = 224;

    /// <summary>So many queries' products with the keys are taken at once.</summary>
    public const int QueriesAtOnce = 4 * ProductTile.Rows;

    /// <summary>All parts of an attention.</summary>
    /// <param name="groups">of images with the same number of tokens</param>
    /// <param name="heads">of each</param>
    /// <param name="most">queries a part</param>
    public static AttentionPart[] Of(IEnumerable<(long Images, long Tokens)> groups, int heads, nint most)
    {
        var parts = new List<AttentionPart>();
        nint row = 0;
        foreach (var (images, tokens) in groups)
        {
            for (long image = 0; image < images; image++, row += (nint)tokens)
            {
                for (int head = 0; head < heads; head++)
                {
                    for (nint query = 0; query < tokens; query += most)
                    {
                        parts.Add(new(row, (nint)tokens, head, query, nint.Min(most, (nint)tokens - query)));
                    }
                }
            }
        }

        return [.. parts];
    }
}
