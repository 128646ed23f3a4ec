using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>
/// Where the images of several resolutions lie in one packed token matrix [T, D]: linear layers, norms and MLPs see all tokens at
/// once, only attention goes resolution by resolution.
/// </summary>
internal sealed class TokenLayout(IReadOnlyList<(long Images, long Tokens)> groups)
{
    /// <summary>Per resolution: B_r images of N_r + 1 tokens.</summary>
    public IReadOnlyList<(long Images, long Tokens)> Groups { get; } = groups;

    /// <summary>Rows a resolution takes in the packed matrix.</summary>
    public long[] Rows { get; } = [.. groups.Select(g => g.Images * g.Tokens)];

    /// <summary>Rows a resolution takes where only the class token of each image is kept.</summary>
    public long[] ImageRows { get; } = [.. groups.Select(g => g.Images)];

    /// <summary>The class token of each image.</summary>
    /// <param name="packed">// [T, D]</param>
    /// <returns>// [ΣB, D]</returns>
    public Tensor ClassTokens(Tensor packed)
    {
        using var scope = NewDisposeScope();
        var parts = packed.split(Rows)
            .Select((rows, r) => rows.view(Groups[r].Images, Groups[r].Tokens, -1).select(1, 0)) // [B_r, D]
            .ToArray();
        return cat(parts).MoveToOuterDisposeScope();
    }

    /// <summary>A value an image, repeated for each of its tokens.</summary>
    /// <param name="perImage">// [ΣB, 1]</param>
    /// <returns>// [T, 1]</returns>
    public Tensor RepeatForTokens(Tensor perImage)
    {
        using var scope = NewDisposeScope();
        var parts = perImage.split(ImageRows)
            .Select((rows, r) => rows.expand(-1, Groups[r].Tokens).reshape(-1, 1))
            .ToArray();
        return cat(parts).MoveToOuterDisposeScope();
    }
}
