using System.Security.Cryptography;
using DinoSharp.Distributed.Nccl;
using static TorchSharp.torch;

namespace DinoSharp.Distributed.Tests.Ranks;

/// <summary>NCCL's functions over MPI, on memory of the CPU. They do at once what they are given.</summary>
internal sealed unsafe class FakeNccl(Rank rank) : INccl
{
    private const nint Communicator = 77;

    public List<string> Calls { get; } = [];

    public byte[] Id { get; private set; } = [];

    public int IdsMade { get; private set; }

    /// <summary>Whether something goes wrong a moment after it was begun.</summary>
    public bool Fails { get; init; }

    /// <summary>Set when what is under way is cut short.</summary>
    public ManualResetEventSlim UntilAborted { get; } = new();

    public byte[] NewId()
    {
        IdsMade++;
        return RandomNumberGenerator.GetBytes(128);
    }

    public nint Join(byte[] id, int own, int size)
    {
        (Id, bool isOwn) = (id, own == rank.Group.Rank && size == rank.Group.Size);
        return isOwn ? Communicator : throw new InvalidOperationException($"rank {own} of {size}");
    }

    public void Sum(nint values, long count, ScalarType type, nint communicator, nint stream) => Run("sum", count, type, communicator, stream, () =>
    {
        using var copy = Copied(values, count, type);
        rank.Group.Sum(copy);
        copy.bytes.CopyTo(Memory(values, count, type));
    });

    public void Gather(nint own, nint all, long count, ScalarType type, nint communicator, nint stream) =>
        Run("gather", count, type, communicator, stream, () =>
        {
            using var copy = Copied(own, count, type);
            using var gathered = rank.Group.Gather(copy);
            gathered.bytes.CopyTo(Memory(all, count * rank.Group.Size, type));
        });

    public void Exchange(nint own, nint received, long[] to, long[] from, ScalarType type, nint communicator, nint stream) =>
        Run("exchange", to.Sum(), type, communicator, stream, () =>
        {
            using var copy = Copied(own, to.Sum(), type);
            using var exchanged = rank.Group.Exchange(copy, to, from);
            exchanged.bytes.CopyTo(Memory(received, from.Sum(), type));
        });

    public void Broadcast(nint values, long count, ScalarType type, int from, nint communicator, nint stream) =>
        Run("broadcast", count, type, communicator, stream, () =>
        {
            using var copy = Copied(values, count, type);
            rank.Group.Broadcast(copy, from);
            copy.bytes.CopyTo(Memory(values, count, type));
        });

    public string? Failure(nint communicator) => Fails ? "remote process exited or there was a network error" : null;

    public void Abort(nint communicator)
    {
        File.WriteAllText(Path.Combine(rank.Folder, $"{rank.Group.Rank}.aborted"), $"{communicator}");
        UntilAborted.Set();
    }

    public void Leave(nint communicator) => Calls.Add($"leave {communicator}");

    private static Tensor Copied(nint values, long count, ScalarType type)
    {
        var copy = empty(count, type);
        Memory(values, count, type).CopyTo(copy.bytes);
        return copy;
    }

    private static Span<byte> Memory(nint values, long count, ScalarType type) =>
        new((void*)values, (int)count * (type == ScalarType.Float32 ? sizeof(float) : sizeof(long)));

    private void Run(string name, long count, ScalarType type, nint communicator, nint stream, Action operation)
    {
        if (communicator != Communicator || stream != FakeGpu.FirstHandle)
        {
            throw new InvalidOperationException($"{name} on stream {stream} of communicator {communicator}");
        }

        Calls.Add($"{name} {count} {type}");
        operation();
    }
}
