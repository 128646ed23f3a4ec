using DinoSharp.Training;
using static TorchSharp.torch;

namespace DinoSharp.Methods;

/// <summary>
/// What a distribution over outputs says of the image, in nats: the entropy of its mean over images less its mean entropy. It is 0 where
/// all images have the same distribution, sharp or flat, which is collapse.
/// </summary>
/// <param name="outputs">K</param>
/// <param name="device">where the distributions are</param>
internal sealed class OutputInformation(int outputs, Device device) : IDisposable
{
    private const int SettlingSteps = 300;
    private const double Nothing = 0.01;

    private readonly MeanLoss _entropy = new(1, device);
    private readonly MeanLoss _shares = new(outputs, device);

    /// <param name="distributions">over the outputs, of different images // [B, K]</param>
    public void Add(Tensor distributions)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var known = distributions.detach();
        Add(-known.xlogy(known).sum(1).mean(), known.mean([0L]));
    }

    /// <param name="entropy">mean entropy of distributions over the outputs // []</param>
    /// <param name="shares">the mean of these distributions // [K]</param>
    public void Add(Tensor entropy, Tensor shares)
    {
        _entropy.Add(entropy);
        _shares.Add(shares);
    }

    /// <summary>Mean entropy of the distributions since the last call, and their information.</summary>
    public (double Entropy, double Information) Take()
    {
        double entropy = _entropy.Take()[0];
        double ofMean = -_shares.Take().Sum(share => share > 0 ? share * Math.Log(share) : 0);
        return (entropy, ofMean - entropy);
    }

    public void Forget()
    {
        _entropy.Forget();
        _shares.Forget();
    }

    /// <summary>Whether the outputs have collapsed; not judged before the network had time to leave its start.</summary>
    public static bool IsCollapsed(double information, TrainingStep step) => step.Index >= SettlingSteps && information < Nothing;

    public void Dispose()
    {
        _entropy.Dispose();
        _shares.Dispose();
    }
}
