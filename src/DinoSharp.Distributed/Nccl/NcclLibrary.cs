using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace DinoSharp.Distributed.Nccl;

/// <summary>NCCL as it is installed (nccl.h; its interface has been the same since 2.7).</summary>
internal sealed unsafe class NcclLibrary : INccl
{
    /// <summary>Loaded from where the system finds libraries, or there already with torch.</summary>
    public const string Name = "libnccl.so.2";

    private const int Success = 0; // ncclSuccess
    private const int InProgress = 7; // ncclInProgress
    private const int SumOperation = 0; // ncclSum

    private readonly delegate* unmanaged[Cdecl]<UniqueId*, int> _getUniqueId;
    private readonly delegate* unmanaged[Cdecl]<nint*, int, UniqueId, int, int> _commInitRank;
    private readonly delegate* unmanaged[Cdecl]<nint, nint, nuint, int, int, nint, nint, int> _allReduce;
    private readonly delegate* unmanaged[Cdecl]<nint, nint, nuint, int, nint, nint, int> _allGather;
    private readonly delegate* unmanaged[Cdecl]<nint, nint, nuint, int, int, nint, nint, int> _broadcast;
    private readonly delegate* unmanaged[Cdecl]<nint, nuint, int, int, nint, nint, int> _send;
    private readonly delegate* unmanaged[Cdecl]<nint, nuint, int, int, nint, nint, int> _recv;
    private readonly delegate* unmanaged[Cdecl]<int> _groupStart;
    private readonly delegate* unmanaged[Cdecl]<int> _groupEnd;
    private readonly delegate* unmanaged[Cdecl]<nint, int*, int> _commGetAsyncError;
    private readonly delegate* unmanaged[Cdecl]<nint, int> _commAbort;
    private readonly delegate* unmanaged[Cdecl]<nint, int> _commDestroy;
    private readonly delegate* unmanaged[Cdecl]<int, byte*> _getErrorString;

    private NcclLibrary(nint library)
    {
        _getUniqueId = (delegate* unmanaged[Cdecl]<UniqueId*, int>)Export("ncclGetUniqueId");
        _commInitRank = (delegate* unmanaged[Cdecl]<nint*, int, UniqueId, int, int>)Export("ncclCommInitRank");
        _allReduce = (delegate* unmanaged[Cdecl]<nint, nint, nuint, int, int, nint, nint, int>)Export("ncclAllReduce");
        _allGather = (delegate* unmanaged[Cdecl]<nint, nint, nuint, int, nint, nint, int>)Export("ncclAllGather");
        _broadcast = (delegate* unmanaged[Cdecl]<nint, nint, nuint, int, int, nint, nint, int>)Export("ncclBroadcast");
        _send = (delegate* unmanaged[Cdecl]<nint, nuint, int, int, nint, nint, int>)Export("ncclSend");
        _recv = (delegate* unmanaged[Cdecl]<nint, nuint, int, int, nint, nint, int>)Export("ncclRecv");
        _groupStart = (delegate* unmanaged[Cdecl]<int>)Export("ncclGroupStart");
        _groupEnd = (delegate* unmanaged[Cdecl]<int>)Export("ncclGroupEnd");
        _commGetAsyncError = (delegate* unmanaged[Cdecl]<nint, int*, int>)Export("ncclCommGetAsyncError");
        _commAbort = (delegate* unmanaged[Cdecl]<nint, int>)Export("ncclCommAbort");
        _commDestroy = (delegate* unmanaged[Cdecl]<nint, int>)Export("ncclCommDestroy");
        _getErrorString = (delegate* unmanaged[Cdecl]<int, byte*>)Export("ncclGetErrorString");

        nint Export(string name) => NativeLibrary.GetExport(library, name);
    }

    /// <returns>null where it is not installed</returns>
    public static NcclLibrary? Load() => NativeLibrary.TryLoad(Name, out nint library) ? new NcclLibrary(library) : null;

    public byte[] NewId()
    {
        UniqueId id;
        Check(_getUniqueId(&id), "ncclGetUniqueId");
        return new ReadOnlySpan<byte>(&id, sizeof(UniqueId)).ToArray();
    }

    public nint Join(byte[] id, int rank, int size)
    {
        nint communicator;
        Check(_commInitRank(&communicator, size, MemoryMarshal.Read<UniqueId>(id), rank), "ncclCommInitRank");
        return communicator;
    }

    public void Sum(nint values, long count, ScalarType type, nint communicator, nint stream) =>
        Check(_allReduce(values, values, (nuint)count, TypeOf(type), SumOperation, communicator, stream), "ncclAllReduce");

    public void Gather(nint own, nint all, long count, ScalarType type, nint communicator, nint stream) =>
        Check(_allGather(own, all, (nuint)count, TypeOf(type), communicator, stream), "ncclAllGather");

    public void Exchange(nint own, nint received, long[] to, long[] from, ScalarType type, nint communicator, nint stream)
    {
        int width = type == ScalarType.Float32 ? sizeof(float) : sizeof(long);
        Check(_groupStart(), "ncclGroupStart");
        for (int rank = 0; rank < to.Length; rank++)
        {
            if (to[rank] > 0)
            {
                Check(_send(own, (nuint)to[rank], TypeOf(type), rank, communicator, stream), "ncclSend");
            }

            if (from[rank] > 0)
            {
                Check(_recv(received, (nuint)from[rank], TypeOf(type), rank, communicator, stream), "ncclRecv");
            }

            own += (nint)to[rank] * width;
            received += (nint)from[rank] * width;
        }

        Check(_groupEnd(), "ncclGroupEnd");
    }

    public void Broadcast(nint values, long count, ScalarType type, int from, nint communicator, nint stream) =>
        Check(_broadcast(values, values, (nuint)count, TypeOf(type), from, communicator, stream), "ncclBroadcast");

    public string? Failure(nint communicator)
    {
        int error;
        Check(_commGetAsyncError(communicator, &error), "ncclCommGetAsyncError");
        return error is Success or InProgress ? null : Describe(error);
    }

    public void Abort(nint communicator) => Check(_commAbort(communicator), "ncclCommAbort");

    public void Leave(nint communicator) => Check(_commDestroy(communicator), "ncclCommDestroy");

    /// <summary>ncclDataType_t.</summary>
    private static int TypeOf(ScalarType type) => type switch
    {
        ScalarType.Int64 => 4,
        ScalarType.Float32 => 7,
        ScalarType.Float64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(type), $"ranks exchange float32, float64 and int64, not {type}"),
    };

    private string Describe(int code) => Marshal.PtrToStringUTF8((nint)_getErrorString(code)) ?? $"error {code}";

    private void Check(int code, string call)
    {
        if (code is not (Success or InProgress))
        {
            throw new ProcessGroupException($"{call} failed: {Describe(code)} (NCCL_DEBUG=WARN in the environment has it say why)");
        }
    }

    /// <summary>ncclUniqueId, which is passed by value.</summary>
    [InlineArray(128)] // NCCL_UNIQUE_ID_BYTES
    private struct UniqueId
    {
        private byte _first;
    }
}
