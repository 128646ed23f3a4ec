using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Obow;

/// <summary>Cross-entropy of an image's bags of words with what a crop of it predicts (arXiv 2012.11552, section 3).</summary>
public static class ObowLoss
{
    /// <summary>The mean over crops, images and levels.</summary>
    /// <param name="features">of crops of one kind // [V, B, D]</param>
    /// <param name="weights">a level's weights of the words, generated from the words // levels of [K, D]</param>
    /// <param name="targets">a level's bags of words of the images; no gradient goes there // levels of [B, K]</param>
    /// <param name="scale">κ: by what products of features and weights are multiplied</param>
    /// <returns>// []</returns>
    public static Tensor Of(Tensor features, IReadOnlyList<Tensor> weights, IReadOnlyList<Tensor> targets, double scale)
    {
        using var scope = NewDisposeScope();
        var rows = features.flatten(0, 1) * scale; // [V B, D]
        var losses = weights.Zip(targets, (words, bags) =>
        {
            var logs = rows.mm(words.t()).log_softmax(1).view(features.size(0), features.size(1), -1); // [V, B, K]
            return -(bags.detach() * logs).sum(2).mean();
        }).ToArray();
        return stack(losses).mean().MoveToOuterDisposeScope();
    }
}
