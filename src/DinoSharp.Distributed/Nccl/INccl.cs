using static TorchSharp.torch;

namespace DinoSharp.Distributed.Nccl;

/// <summary>
/// NCCL's C interface, the little of it that is used. An operation is given to a stream and returns at once; all ranks give their communicators
/// the same operations in the same order.
/// </summary>
internal interface INccl
{
    /// <summary>ncclGetUniqueId: what ranks find each other by; one rank makes it.</summary>
    byte[] NewId();

    /// <summary>ncclCommInitRank: returns when all ranks have called it.</summary>
    /// <returns>the communicator</returns>
    nint Join(byte[] id, int rank, int size);

    /// <summary>ncclAllReduce with ncclSum, in place.</summary>
    void Sum(nint values, long count, ScalarType type, nint communicator, nint stream);

    /// <summary>ncclAllGather: as many values of each rank, in the order of the ranks.</summary>
    void Gather(nint own, nint all, long count, ScalarType type, nint communicator, nint stream);

    /// <summary>ncclSend to and ncclRecv from every rank, in a group: values for the first rank, behind them those for the second, and so on.</summary>
    void Exchange(nint own, nint received, long[] to, long[] from, ScalarType type, nint communicator, nint stream);

    /// <summary>ncclBroadcast, in place.</summary>
    void Broadcast(nint values, long count, ScalarType type, int from, nint communicator, nint stream);

    /// <summary>ncclCommGetAsyncError: what has gone wrong since, on this rank or with another; null for nothing.</summary>
    string? Failure(nint communicator);

    /// <summary>ncclCommAbort: ends what is under way, which would wait for a rank that is gone for ever.</summary>
    void Abort(nint communicator);

    /// <summary>ncclCommDestroy: ends when all is done.</summary>
    void Leave(nint communicator);
}
