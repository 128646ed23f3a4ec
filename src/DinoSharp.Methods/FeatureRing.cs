using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods;

/// <summary>
/// The last N features seen, the oldest of which gives way. A step holds its features back until its optimizer step is done, so that a
/// step that fails leaves none. How many were put in is the caller's to know, from the number of the step: the ring itself counts nothing.
/// </summary>
internal sealed class FeatureRing : IDisposable
{
    private Tensor? _held;

    /// <param name="start">the ring's first content, from now on this ring's // [N, ...]</param>
    public FeatureRing(Tensor start) => Values = start.DetachFromDisposeScope();

    /// <summary>The features // [N, ...]</summary>
    public Tensor Values { get; }

    /// <summary>Keeps a copy of features until <see cref="Commit"/>.</summary>
    /// <param name="features">at most N // [B, ...]</param>
    public void Hold(Tensor features)
    {
        Forget();
        using var noGradients = no_grad();
        _held = features.detach().clone().DetachFromDisposeScope();
    }

    /// <summary>Puts the held features in the place of the oldest.</summary>
    /// <param name="before">features put in before these</param>
    public void Commit(long before)
    {
        if (_held is null)
        {
            return;
        }

        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var places = (arange(_held.size(0), ScalarType.Int64, Values.device) + before % Values.size(0)).remainder(Values.size(0));
        Values.index_copy_(0, places, _held);
        Forget();
    }

    /// <summary>Drops the held features.</summary>
    public void Forget()
    {
        _held?.Dispose();
        _held = null;
    }

    public void Dispose()
    {
        Forget();
        Values.Dispose();
    }
}
