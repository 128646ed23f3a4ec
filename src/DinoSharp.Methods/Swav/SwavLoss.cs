using static TorchSharp.torch;

namespace DinoSharp.Methods.Swav;

/// <summary>Cross-entropy of each assigned crop's code with what every other crop predicts (arXiv 2006.09882, equations 2 and 6).</summary>
public static class SwavLoss
{
    /// <summary>The mean over images, over assigned crops, and over the V − 1 crops that predict each of them.</summary>
    /// <param name="scores">similarities of V crops with the prototypes; the first A crops are the assigned ones // [V, B, K]</param>
    /// <param name="codes">assignments of the first A crops; no gradient goes there // [A, B, K]</param>
    /// <param name="temperature">τ of the predictions</param>
    /// <returns>// []</returns>
    public static Tensor Of(Tensor scores, Tensor codes, double temperature)
    {
        using var scope = NewDisposeScope();
        long assigned = codes.size(0);
        var logs = (scores / temperature).log_softmax(2); // [V, B, K]
        // Summed over pairs of crops, less the pairs of a crop with itself.
        var agreement = (codes.sum(dim: 0) * logs.sum(dim: 0)).sum(1) - (codes * logs.narrow(0, 0, assigned)).sum([0, 2]); // [B]
        return (agreement.mean() / -(assigned * (scores.size(0) - 1))).MoveToOuterDisposeScope();
    }
}
