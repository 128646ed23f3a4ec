using static TorchSharp.torch;

namespace DinoSharp.Methods;

/// <summary>The mean of losses since it was last taken, kept on the device so that no step waits for it.</summary>
internal sealed class MeanLoss : IDisposable
{
    private readonly Tensor _sum;
    private long _count;

    /// <param name="count">losses side by side</param>
    /// <param name="device">where they are</param>
    public MeanLoss(int count, Device device) => _sum = zeros(count, device: device).DetachFromDisposeScope();

    /// <param name="losses">// [count]</param>
    public void Add(Tensor losses)
    {
        using var noGradients = no_grad();
        _sum.add_(losses);
        _count++;
    }

    /// <summary>The means, which begin anew.</summary>
    public float[] Take()
    {
        using var scope = NewDisposeScope();
        float[] means = (_sum / _count).cpu().data<float>().ToArray();
        Forget();
        return means;
    }

    public void Forget()
    {
        using var scope = NewDisposeScope();
        _sum.zero_();
        _count = 0;
    }

    public void Dispose() => _sum.Dispose();
}
