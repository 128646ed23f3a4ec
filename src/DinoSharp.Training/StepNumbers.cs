using static TorchSharp.torch;

namespace DinoSharp.Training;

/// <summary>
/// The few numbers of a step, kept on the device on which they are computed: reading them waits for all that the device has been given.
/// </summary>
/// <param name="device">where the parameters are</param>
internal sealed class StepNumbers(Device device) : IDisposable
{
    private readonly Tensor _values = zeros(4, device: device).DetachFromDisposeScope(); // loss, wish to stop, norm, steps not finite

    /// <summary>Loss and wish to stop, whose means over the processes of a step go on // [2]</summary>
    public Tensor Shared => _values.narrow(0, 0, 2);

    /// <summary>Begins a step.</summary>
    public void Begin()
    {
        using var scope = NewDisposeScope();
        _values.narrow(0, 0, 1).zero_();
    }

    /// <summary>Adds the loss of a part of the batch.</summary>
    public void Add(Tensor loss)
    {
        using var scope = NewDisposeScope();
        _values.narrow(0, 0, 1).add_(loss.detach());
    }

    /// <summary>Says whether this process wishes to stop after this step.</summary>
    public void Wish(bool stops)
    {
        using var scope = NewDisposeScope();
        _values.narrow(0, 1, 1).fill_(stops ? 1 : 0);
    }

    /// <summary>Ends a step, whose loss and norm are kept until the next.</summary>
    /// <param name="norm">the largest gradient's // []</param>
    public void End(Tensor norm)
    {
        using var scope = NewDisposeScope();
        _values.narrow(0, 2, 1).copy_(norm);
        _values.narrow(0, 3, 1).add_(_values.narrow(0, 0, 3).isfinite().all().logical_not());
    }

    /// <summary>Waits for the numbers of the last step.</summary>
    /// <returns>
    /// loss, whether a process wishes to stop, gradient norm, and in how many steps since this was last called one of them was not finite
    /// </returns>
    public (double Loss, bool Stops, double Norm, int NotFinite) Read()
    {
        using var scope = NewDisposeScope();
        float[] values = [.. _values.cpu().data<float>()];
        _values.narrow(0, 3, 1).zero_();
        return (values[0], values[1] > 0, values[2], (int)values[3]);
    }

    public void Dispose() => _values.Dispose();
}
