using static TorchSharp.torch;

namespace DinoSharp.Distributed;

/// <summary>A process that works alone.</summary>
internal sealed class SingleProcess : ProcessGroup
{
    public override int Rank => 0;

    public override int Size => 1;

    public override void Sum(Tensor values)
    {
    }

    public override Tensor Gather(Tensor rows) => rows.alias();

    public override void Broadcast(Tensor values, int from = 0)
    {
    }

    public override IReadOnlyList<byte[]> Gather(ReadOnlyMemory<byte> message) => [message.ToArray()];

    public override void Barrier()
    {
    }

    public override void Dispose()
    {
    }
}
