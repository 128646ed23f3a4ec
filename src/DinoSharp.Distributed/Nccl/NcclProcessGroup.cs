using System.Diagnostics.CodeAnalysis;
using DinoSharp.Cuda;
using DinoSharp.Distributed.Watch;
using static TorchSharp.torch;

namespace DinoSharp.Distributed.Nccl;

/// <summary>
/// Processes that have a GPU each. Tensors on the GPUs go from one to the other by NCCL; those on the CPU, messages, and all that has to do with
/// starting and failing are another group's. NCCL works on a stream of its own: what torch has been given so far comes before an operation, and what
/// torch is given afterwards comes after it, by events, so that no call here waits on the host.
/// </summary>
internal sealed class NcclProcessGroup : ProcessGroup
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(1);

    private readonly ProcessGroup _host;
    private readonly INccl _nccl;
    private readonly IGpu _gpu;
    private readonly Device _device;
    private readonly nint _communicator;
    private readonly nint _stream;
    private readonly Lock _calls = new();
    private readonly Stack<nint> _unused = [];
    private readonly Timer _looking;
    private bool _left;
    private volatile bool _ending;

    /// <param name="host">the same processes, joined already; this group disposes it</param>
    /// <param name="nccl">the library</param>
    /// <param name="gpu">this process's, no other's</param>
    /// <param name="device">torch's name of it: tensors there are NCCL's</param>
    /// <exception cref="ProcessGroupException">NCCL refuses.</exception>
    public NcclProcessGroup(ProcessGroup host, INccl nccl, IGpu gpu, Device device)
    {
        (_host, _nccl, _gpu, _device) = (host, nccl, gpu, device);
        byte[] id = host.GatherMessages(IsFirst ? nccl.NewId() : ReadOnlyMemory<byte>.Empty)[0];
        gpu.Enter();
        _communicator = nccl.Join(id, Rank, Size);
        _stream = gpu.NewStream();
        host.Ending = Abort;
        _looking = new Timer(_ => Look(), null, BetweenLooks, BetweenLooks);
    }

    public override int Rank => _host.Rank;

    public override int Size => _host.Size;

    public override int LocalRank => _host.LocalRank;

    public override int LocalSize => _host.LocalSize;

    public override int Processors => _host.Processors;

    public override string? Advice => _host.Advice;

    /// <summary>Of what goes by MPI: nobody here waits for NCCL, which torch's stream does.</summary>
    public override ExchangeCost Cost => _host.Cost;

    public override string Describe(int rank) => _host.Describe(rank);

    public override void Sum(Tensor values)
    {
        if (IsHere(values))
        {
            BeginSum(values).Wait();
        }
        else
        {
            _host.Sum(values);
        }
    }

    public override PendingSum BeginSum(Tensor values)
    {
        if (!IsHere(values))
        {
            return _host.BeginSum(values);
        }

        nint done = Give(values, stream => _nccl.Sum(TensorAddress.Of(values), values.numel(), values.dtype, _communicator, stream));
        return new NcclPendingSum(this, done, values.detach().DetachFromDisposeScope());
    }

    public override Tensor Gather(Tensor rows)
    {
        if (!IsHere(rows))
        {
            return _host.Gather(rows);
        }

        using var own = rows.contiguous();
        long[] shape = own.shape;
        var all = empty([shape[0] * Size, .. shape[1..]], own.dtype, own.device);
        Follow(Give(own, stream =>
            _nccl.Gather(TensorAddress.Of(own), TensorAddress.Of(all), own.numel(), own.dtype, _communicator, stream)));
        return all;
    }

    public override Tensor Exchange(Tensor rows, long[] to, long[] from)
    {
        if (!IsHere(rows))
        {
            return _host.Exchange(rows, to, from);
        }

        using var own = rows.contiguous();
        long[] row = own.shape[1..];
        long values = row.Aggregate(1L, (product, side) => product * side);
        var received = empty([from.Sum(), .. row], own.dtype, own.device);
        Follow(Give(received.numel() > 0 ? received : own, stream => _nccl.Exchange(
            TensorAddress.Of(own),
            TensorAddress.Of(received),
            [.. to.Select(count => count * values)],
            [.. from.Select(count => count * values)],
            own.dtype,
            _communicator,
            stream)));
        return received;
    }

    public override void Broadcast(Tensor values, int from = 0)
    {
        if (!IsHere(values))
        {
            _host.Broadcast(values, from);
            return;
        }

        Follow(Give(values, stream =>
            _nccl.Broadcast(TensorAddress.Of(values), values.numel(), values.dtype, from, _communicator, stream)));
    }

    public override IReadOnlyList<byte[]> GatherMessages(ReadOnlyMemory<byte> message) => _host.GatherMessages(message);

    public override void Barrier() => _host.Barrier();

    public override void Trust()
    {
        if (_ending)
        {
            Thread.Sleep(Timeout.Infinite);
        }
    }

    [DoesNotReturn]
    public override void Fail(string line, int code) => _host.Fail(line, code);

    public override void Dispose()
    {
        _looking.Dispose();
        lock (_calls)
        {
            _gpu.Enter();
            _nccl.Leave(_communicator);
            _gpu.Free(_stream, _unused);
            _left = true;
            _host.Ending = null;
        }

        _host.Dispose();
    }

    private bool IsHere(Tensor values) => values.device_type == _device.type;

    /// <summary>Begins an operation that comes after what torch has been given so far.</summary>
    /// <returns>the event of its end, for <see cref="Follow"/></returns>
    private nint Give(Tensor values, Action<nint> operation)
    {
        if (!values.is_contiguous())
        {
            throw new ArgumentException("ranks exchange contiguous tensors");
        }

        Trust();
        try
        {
            lock (_calls)
            {
                _gpu.Enter();
                nint reached = _unused.TryPop(out nint used) ? used : _gpu.NewEvent();
                _gpu.Record(reached, _gpu.TorchStream);
                _gpu.Await(_stream, reached);
                if (values.numel() > 0)
                {
                    operation(_stream);
                }

                _gpu.Record(reached, _stream);
                return reached;
            }
        }
        catch (ProcessGroupException)
        {
            RankWatch.AwaitVerdict(); // where a rank is gone, the library's complaint says less than the watch will
            throw;
        }
    }

    /// <summary>Has torch go on after an operation.</summary>
    private void Follow(nint done)
    {
        lock (_calls)
        {
            _gpu.Await(_gpu.TorchStream, done);
            _unused.Push(done); // an event that a stream awaits may be recorded anew
        }
    }

    /// <summary>Looks whether an operation failed after it was begun. It would be waited for for ever.</summary>
    private void Look()
    {
        if (!_calls.TryEnter())
        {
            return;
        }

        string? failure;
        try
        {
            failure = _left || _ending ? null : _nccl.Failure(_communicator);
        }
        finally
        {
            _calls.Exit();
        }

        if (failure is not null)
        {
            _looking.Change(Timeout.Infinite, Timeout.Infinite);
            RankWatch.AwaitVerdict();
            Fail($"NCCL: {failure}", 1);
        }
    }

    /// <summary>
    /// Frees the GPU of an operation that would never end, as the last thing before this process ends. Whoever waits for the GPU goes on then, with
    /// values that are none: <see cref="Trust"/> holds him.
    /// </summary>
    private void Abort()
    {
        _ending = true;
        _gpu.Enter();
        _nccl.Abort(_communicator);
    }

    private sealed class NcclPendingSum(NcclProcessGroup group, nint done, Tensor held) : PendingSum
    {
        public override void Wait()
        {
            group.Follow(done);
            held.Dispose();
        }
    }
}
