using System.Diagnostics.CodeAnalysis;
using static TorchSharp.torch;

namespace DinoSharp.Distributed;

/// <summary>A process that works alone.</summary>
internal sealed class SingleProcess : ProcessGroup
{
    public override int Rank => 0;

    public override int Size => 1;

    public override int Processors => Environment.ProcessorCount;

    public override string Describe(int rank) => $"process {Environment.ProcessId}";

    public override void Sum(Tensor values)
    {
    }

    public override PendingSum BeginSum(Tensor values) => new Done();

    public override Tensor Gather(Tensor rows) => rows.alias();

    public override Tensor Exchange(Tensor rows, long[] to, long[] from) => rows.alias();

    public override void Broadcast(Tensor values, int from = 0)
    {
    }

    public override IReadOnlyList<byte[]> GatherMessages(ReadOnlyMemory<byte> message) => [message.ToArray()];

    public override void Barrier()
    {
    }

    [DoesNotReturn]
    public override void Fail(string line, int code)
    {
        Console.Error.WriteLine(line);
        Environment.Exit(code);
    }

    public override void Dispose()
    {
    }

    private sealed class Done : PendingSum
    {
        public override void Wait()
        {
        }
    }
}
