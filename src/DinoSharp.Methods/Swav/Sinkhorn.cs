using static TorchSharp.torch;

namespace DinoSharp.Methods.Swav;

/// <summary>
/// Soft assignments of samples to prototypes that use all prototypes equally (arXiv 2006.09882, section 3.1; the algorithm is Sinkhorn's
/// and Knopp's, as in arXiv 1306.0895).
/// </summary>
public static class Sinkhorn
{
    /// <summary>
    /// Scales exp(scores / ε) alternately so that each prototype and each sample has the same weight; samples last, so that each row is a
    /// distribution. All is done on logarithms: no ε and no score can overflow, or leave a prototype with nothing.
    /// </summary>
    /// <param name="scores">similarities; no gradient passes // [B, K]</param>
    /// <param name="epsilon">ε: the smaller, the nearer to one prototype a sample</param>
    /// <param name="iterations">scalings of both sides; 0 is a softmax</param>
    /// <returns>rows that add to 1 // [B, K]</returns>
    public static Tensor Codes(Tensor scores, double epsilon, int iterations)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var logs = scores.detach() / epsilon; // [B, K]
        for (int i = 0; i < iterations; i++)
        {
            logs = logs.log_softmax(0);
            logs = logs.log_softmax(1);
        }

        return logs.softmax(1).MoveToOuterDisposeScope();
    }
}
