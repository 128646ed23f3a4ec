using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using DinoSharp.Distributed.Watch;
using static TorchSharp.torch;

namespace DinoSharp.Distributed.Mpi;

/// <summary>
/// Processes joined by MPI. Calls of the library are made by the thread that wants something, one at a time; an operation is begun and then
/// asked after (<see cref="Patience"/>), so that no thread is ever held inside the library. A thread of its own drives on the sums that are
/// under way while the others compute; those that are waited for do not stand in line behind them. Whether the other ranks still live is <see cref="RankWatch"/>'s to know.
/// </summary>
internal sealed unsafe class MpiProcessGroup : ProcessGroup
{
    private const int PieceBytes = 64 << 20; // MPI counts in 32 bits
    private const int BusyMicroseconds = 200;
    private static readonly TimeSpan ForAbort = TimeSpan.FromSeconds(0.5);

    private readonly Lock _calls = new();
    private readonly MpiLibrary _mpi;
    private readonly nint _communicator;
    private readonly SumsInRankOrder _sums; // that are waited for
    private readonly SumsInRankOrder _sumsBeside;
    private readonly IReadOnlyList<RankPlace> _places;
    private readonly RankWatch? _watch;
    private readonly AutoResetEvent _begun = new(false);
    private Thread? _driver;
    private long _received; // bytes, of all operations but sums
    private long _waited; // ticks of the stopwatch
    private volatile bool _left;

    private MpiProcessGroup(MpiLibrary mpi, Action<string> tell)
    {
        _mpi = mpi;
        (Rank, Size) = (mpi.Rank(), mpi.Size());
        _communicator = mpi.NewCommunicator();
        _sums = new SumsInRankOrder(mpi, Rank, Size);
        _sumsBeside = new SumsInRankOrder(mpi, Rank, Size);

        using var door = IsFirst ? new MeetingPoint() : null;
        _places = [.. GatherMessages(RankPlace.Here(Rank, door?.Door).ToBytes()).Select(RankPlace.Of)];
        var links = IsFirst ? door!.Accept(_places) : [MeetingPoint.Connect(_places, Rank)];
        LocalRank = RankPlace.LocalRankOf(_places, Rank);
        LocalSize = RankPlace.LocalSizeOf(_places, Rank);
        Processors = RankPlace.ShareOf(_places, Rank);
        Advice = RankPlace.AdviceFor(_places, Rank);
        _watch = new RankWatch(Rank, _places, links, tell, Abort);
    }

    public override int Rank { get; }

    public override int Size { get; }

    public override int LocalRank { get; }

    public override int LocalSize { get; }

    public override int Processors { get; }

    public override string? Advice { get; }

    public override ExchangeCost Cost =>
        new(_received + _sums.BytesReceived + _sumsBeside.BytesReceived, Stopwatch.GetElapsedTime(0, Interlocked.Read(ref _waited)));

    internal override Action? Ending
    {
        set => _watch!.Ending = value;
    }

    /// <summary>Joins the processes that a launcher started.</summary>
    /// <exception cref="ProcessGroupUnavailableException">There is no library, or not the launcher's.</exception>
    public static MpiProcessGroup Join(Launcher launcher, Action<string> tell)
    {
        using KeptSignalHandlers handlers = new();
        var mpi = MpiLibrary.Load(launcher.Libraries) ?? throw new ProcessGroupUnavailableException(
            $"{launcher.Name} started {launcher.Size} processes, but its library {launcher.Libraries[0]} does not load on "
            + $"{Environment.MachineName}: install it ({launcher.Package})")
        {
            IsEcho = launcher.LocalRank > 0,
        };
        mpi.Start();
        return mpi.Size() == launcher.Size ? new MpiProcessGroup(mpi, tell) : throw new ProcessGroupUnavailableException(
            $"{launcher.Name} started {launcher.Size} processes, but {mpi.Version} finds {mpi.Size()}: "
            + $"install the launcher's own library on {Environment.MachineName} ({launcher.Package})")
        {
            IsEcho = launcher.LocalRank > 0,
        };
    }

    public override string Describe(int rank) => _places[rank].ToString();

    public override void Sum(Tensor values)
    {
        SumsInRankOrder.Sum sum;
        lock (_calls)
        {
            sum = _sums.Begin(values);
        }

        Until(() => sum.Done);
        GC.KeepAlive(values);
    }

    public override PendingSum BeginSum(Tensor values)
    {
        MpiPendingSum pending;
        lock (_calls)
        {
            var sum = _sumsBeside.Begin(values);
            sum.Held = values.detach().DetachFromDisposeScope();
            pending = new MpiPendingSum(this, sum);
        }

        if (_driver is null)
        {
            _driver = new Thread(Drive) { IsBackground = true, Name = "sums over ranks" };
            _driver.Start();
        }

        _begun.Set();
        return pending;
    }

    public override Tensor Gather(Tensor rows)
    {
        using var own = rows.contiguous();
        long[] shape = own.shape;
        var all = empty([shape[0] * Size, .. shape[1..]], own.dtype);
        byte* from = TensorMemory.AddressOf(own);
        byte* to = TensorMemory.AddressOf(all);
        long bytes = TensorMemory.BytesOf(own);
        _received += bytes * (Size - 1);
        if (bytes <= PieceBytes)
        {
            Finish(() => _mpi.BeginGather(from, (int)bytes, to, _communicator));
            return all;
        }

        byte* pieces = (byte*)NativeMemory.Alloc((nuint)PieceBytes * (nuint)Size);
        try
        {
            for (long done = 0; done < bytes; done += PieceBytes)
            {
                long at = done;
                int length = (int)Math.Min(PieceBytes, bytes - at);
                Finish(() => _mpi.BeginGather(from + at, length, pieces, _communicator));
                for (int r = 0; r < Size; r++)
                {
                    Buffer.MemoryCopy(pieces + (long)r * length, to + r * bytes + at, length, length);
                }
            }
        }
        finally
        {
            NativeMemory.Free(pieces);
        }

        return all;
    }

    public override Tensor Exchange(Tensor rows, long[] to, long[] from)
    {
        using var own = rows.contiguous();
        long[] row = own.shape[1..];
        var received = empty([from.Sum(), .. row], own.dtype);
        long rowBytes = row.Aggregate(own.ElementSize, (bytes, side) => bytes * side);
        using var most = tensor(new[] { to.Concat(from).Max() * rowBytes });
        using var all = Gather(most); // [n]
        using RowExchange rounds = new(to, from, rowBytes, largest: all.data<long>().Max());
        byte* source = TensorMemory.AddressOf(own);
        byte* target = TensorMemory.AddressOf(received);
        while (rounds.Load(source))
        {
            Finish(() => _mpi.BeginExchange(
                rounds.Out, rounds.OutCounts, rounds.OutOffsets, rounds.In, rounds.InCounts, rounds.InOffsets, _communicator));
            rounds.Unload(target);
        }

        return received;
    }

    public override void Broadcast(Tensor values, int from = 0)
    {
        Broadcast(TensorMemory.AddressOf(values), TensorMemory.BytesOf(values), from);
        GC.KeepAlive(values);
    }

    public override IReadOnlyList<byte[]> GatherMessages(ReadOnlyMemory<byte> message)
    {
        long* lengths = stackalloc long[Size];
        long* own = stackalloc long[1];
        *own = message.Length;
        Finish(() => _mpi.BeginGather((byte*)own, sizeof(long), (byte*)lengths, _communicator));
        _received += sizeof(long) * (Size - 1);
        var messages = new byte[Size][];
        for (int r = 0; r < Size; r++)
        {
            messages[r] = r == Rank ? message.ToArray() : new byte[lengths[r]];
            fixed (byte* start = messages[r])
            {
                Broadcast(start, lengths[r], r);
            }
        }

        return messages;
    }

    public override void Barrier() => Finish(() => _mpi.BeginBarrier(_communicator));

    [DoesNotReturn]
    public override void Fail(string line, int code) => _watch!.Fail(line, code);

    public override void Dispose()
    {
        Barrier();
        _watch!.Dispose();
        _left = true;
        _begun.Set();
        _driver?.Join();
        _sums.Dispose();
        _sumsBeside.Dispose();
        _mpi.Free(_communicator);
        _mpi.Finish();
        _begun.Dispose();
    }

    /// <summary>Nothing may hold this up: neither a thread that is inside the library now, nor the library.</summary>
    private void Abort(int code)
    {
        Thread aborting = new(() =>
        {
            if (_calls.TryEnter(ForAbort))
            {
                _mpi.Abort(code);
            }
        })
        {
            IsBackground = true,
        };
        aborting.Start();
        aborting.Join(ForAbort * 2);
    }

    private void Broadcast(byte* values, long bytes, int from)
    {
        _received += from == Rank ? 0 : bytes;
        for (long done = 0; done < bytes; done += PieceBytes)
        {
            long at = done;
            Finish(() => _mpi.BeginBroadcast(values + at, (int)Math.Min(PieceBytes, bytes - at), from, _communicator));
        }
    }

    /// <summary>Begins an operation and returns when it is done.</summary>
    private void Finish(Func<nint> begin)
    {
        nint request;
        lock (_calls)
        {
            request = begin();
        }

        Until(() => _mpi.IsDone(ref request));
    }

    private void Until(Func<bool> isDone)
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            for (Patience patience = new(BusyMicroseconds); !LookAfter(isDone, patience); patience.Pause())
            {
            }

            Interlocked.Add(ref _waited, Stopwatch.GetTimestamp() - start);
        }
        catch (ProcessGroupException) when (_watch is not null)
        {
            RankWatch.AwaitVerdict(); // where a rank is gone, the library's complaint says less than the watch will
            throw;
        }
    }

    private bool LookAfter(Func<bool> isDone, Patience patience)
    {
        lock (_calls)
        {
            if (_sums.Advance() | _sumsBeside.Advance())
            {
                patience.Restart();
            }

            return isDone();
        }
    }

    /// <summary>Drives sums on while others compute: never busy, as it has no processor of its own.</summary>
    private void Drive()
    {
        while (!_left)
        {
            _begun.WaitOne();
            try
            {
                for (Patience patience = new(busy: 0); !LookAfter(() => _sumsBeside.Idle, patience); patience.Pause())
                {
                }
            }
            catch (ProcessGroupException error)
            {
                RankWatch.AwaitVerdict();
                Fail(error.Message, 1);
            }
        }
    }

    private sealed class MpiPendingSum(MpiProcessGroup group, SumsInRankOrder.Sum sum) : PendingSum
    {
        public override void Wait()
        {
            group.Until(() => sum.Done);
            sum.Held!.Dispose();
        }
    }
}
