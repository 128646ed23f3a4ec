using DinoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.MocoV2;

/// <summary>
/// The keys of the latest images, each batch in the place of the oldest one (arXiv 1911.05722, section 3.2). A batch that reaches the end
/// is cut there, and the next one begins at the start; with a queue of whole batches none is.
/// </summary>
public sealed class QueuedKeys : IDisposable
{
    private readonly Tensor _position; // [1]
    private Tensor? _pending; // [B, D]

    /// <summary>A queue of random unit vectors, from torch's random state.</summary>
    /// <param name="size">keys K</param>
    /// <param name="dim">length D of a key</param>
    /// <param name="device">where the keys live</param>
    public QueuedKeys(int size, int dim, Device device)
    {
        using var scope = NewDisposeScope();
        Keys = nn.functional.normalize(randn(size, dim), dim: 1).to(device).DetachFromDisposeScope();
        _position = zeros(1, dtype: ScalarType.Int64).DetachFromDisposeScope(); // read in each step, so on the CPU
        State = new("queue", "", [("keys", Keys), ("position", _position)]);
    }

    /// <summary>The keys, normalised // [K, D]</summary>
    public Tensor Keys { get; }

    /// <summary>Where the next batch goes.</summary>
    public long Position => _position.item<long>();

    /// <summary>What a checkpoint has of it.</summary>
    public StateSection State { get; }

    /// <summary>Holds the keys of a step ready, which must not be its own negatives.</summary>
    /// <param name="keys">normalised // [B, D]</param>
    public void Stage(Tensor keys)
    {
        Drop();
        _pending = keys.detach().clone().DetachFromDisposeScope();
    }

    /// <summary>Takes the held keys in.</summary>
    public void Commit()
    {
        if (_pending is not { } keys)
        {
            throw new InvalidOperationException("no keys were staged");
        }

        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        long position = Position, size = Keys.size(0), count = keys.size(0);
        long fitting = Math.Min(count, size - position);
        Keys.narrow(0, position, fitting).copy_(keys.narrow(0, 0, fitting));
        _position.fill_(position + count >= size ? 0 : position + count);
        Drop();
    }

    /// <summary>Forgets the held keys.</summary>
    public void Drop()
    {
        _pending?.Dispose();
        _pending = null;
    }

    public void Dispose()
    {
        Drop();
        Keys.Dispose();
        _position.Dispose();
    }
}
