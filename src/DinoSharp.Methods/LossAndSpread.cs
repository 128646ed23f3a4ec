using static TorchSharp.torch;

namespace DinoSharp.Methods;

/// <summary>What most methods tell of the steps since they were last asked: the mean loss, and how far outputs lie apart.</summary>
/// <param name="device">where both are</param>
internal sealed class LossAndSpread(Device device) : IDisposable
{
    private readonly MeanLoss _loss = new(1, device);
    private readonly OutputSpread _spread = new(device);

    /// <param name="loss">of a step // []</param>
    /// <param name="outputs">of different images // [B, D]</param>
    public void Add(Tensor loss, Tensor outputs)
    {
        _loss.Add(loss.detach());
        _spread.Add(outputs);
    }

    /// <summary>As a method's metrics; they begin anew.</summary>
    public IReadOnlyList<(string Name, double Value)> Take() => [("loss", _loss.Take()[0]), (OutputSpread.Name, _spread.Take())];

    public void Forget()
    {
        _loss.Forget();
        _spread.Forget();
    }

    public void Dispose()
    {
        _loss.Dispose();
        _spread.Dispose();
    }
}
