using System.Runtime.InteropServices;
using System.Text;

namespace DinoSharp.Distributed.Mpi;

/// <summary>
/// The C interface of MPI, as little of it as is used. What differs between the libraries is here alone: their names, and what a handle is.
/// In Open MPI it is the address of an object, a symbol of the library; in MPICH, and in those that keep its binary interface (Intel MPI,
/// MVAPICH), a 32-bit number. Both fit a machine word, whose lower half is what a callee reads that expects 32 bits. Everything is sent as
/// bytes: adding is done here.
/// </summary>
internal sealed unsafe class MpiLibrary
{
    private const int Serialized = 2; // MPI_THREAD_SERIALIZED
    private const int LongestVersion = 8192; // MPI_MAX_LIBRARY_VERSION_STRING, the larger one
    private const int LongestError = 512; // MPI_MAX_ERROR_STRING, the larger one
    private const int StatusSize = 128; // MPI_Status has 20 or 24 bytes

    private readonly nint _world; // MPI_COMM_WORLD
    private readonly nint _byte; // MPI_BYTE
    private readonly nint _errorsReturn; // MPI_ERRORS_RETURN

    private readonly delegate* unmanaged[Cdecl]<nint, nint, int, int*, int> _initThread;
    private readonly delegate* unmanaged[Cdecl]<int> _finalize;
    private readonly delegate* unmanaged[Cdecl]<nint, int, int> _abort;
    private readonly delegate* unmanaged[Cdecl]<nint, int*, int> _commRank;
    private readonly delegate* unmanaged[Cdecl]<nint, int*, int> _commSize;
    private readonly delegate* unmanaged[Cdecl]<nint, nint*, int> _commDup;
    private readonly delegate* unmanaged[Cdecl]<nint*, int> _commFree;
    private readonly delegate* unmanaged[Cdecl]<nint, nint, int> _commSetErrhandler;
    private readonly delegate* unmanaged[Cdecl]<int, byte*, int*, int> _errorString;
    private readonly delegate* unmanaged[Cdecl]<nint*, int*, byte*, int> _test;
    private readonly delegate* unmanaged[Cdecl]<nint, nint*, int> _ibarrier;
    private readonly delegate* unmanaged[Cdecl]<void*, int, nint, int, nint, nint*, int> _ibcast;
    private readonly delegate* unmanaged[Cdecl]<void*, int, nint, void*, int, nint, nint, nint*, int> _iallgather;
    private readonly delegate* unmanaged[Cdecl]<void*, int, nint, void*, int*, int*, nint, nint, nint*, int> _iallgatherv;
    private readonly delegate* unmanaged[Cdecl]<void*, int*, int*, nint, void*, int*, int*, nint, nint, nint*, int> _ialltoallv;

    private MpiLibrary(nint library)
    {
        Version = VersionOf(library);
        bool addresses = Version.Contains("Open MPI", StringComparison.Ordinal);
        _world = addresses ? Export("ompi_mpi_comm_world") : 0x44000000;
        _byte = addresses ? Export("ompi_mpi_byte") : 0x4c00010d;
        _errorsReturn = addresses ? Export("ompi_mpi_errors_return") : 0x54000001;

        _initThread = (delegate* unmanaged[Cdecl]<nint, nint, int, int*, int>)Export("MPI_Init_thread");
        _finalize = (delegate* unmanaged[Cdecl]<int>)Export("MPI_Finalize");
        _abort = (delegate* unmanaged[Cdecl]<nint, int, int>)Export("MPI_Abort");
        _commRank = (delegate* unmanaged[Cdecl]<nint, int*, int>)Export("MPI_Comm_rank");
        _commSize = (delegate* unmanaged[Cdecl]<nint, int*, int>)Export("MPI_Comm_size");
        _commDup = (delegate* unmanaged[Cdecl]<nint, nint*, int>)Export("MPI_Comm_dup");
        _commFree = (delegate* unmanaged[Cdecl]<nint*, int>)Export("MPI_Comm_free");
        _commSetErrhandler = (delegate* unmanaged[Cdecl]<nint, nint, int>)Export("MPI_Comm_set_errhandler");
        _errorString = (delegate* unmanaged[Cdecl]<int, byte*, int*, int>)Export("MPI_Error_string");
        _test = (delegate* unmanaged[Cdecl]<nint*, int*, byte*, int>)Export("MPI_Test");
        _ibarrier = (delegate* unmanaged[Cdecl]<nint, nint*, int>)Export("MPI_Ibarrier");
        _ibcast = (delegate* unmanaged[Cdecl]<void*, int, nint, int, nint, nint*, int>)Export("MPI_Ibcast");
        _iallgather = (delegate* unmanaged[Cdecl]<void*, int, nint, void*, int, nint, nint, nint*, int>)Export("MPI_Iallgather");
        _iallgatherv = (delegate* unmanaged[Cdecl]<void*, int, nint, void*, int*, int*, nint, nint, nint*, int>)Export("MPI_Iallgatherv");
        _ialltoallv =
            (delegate* unmanaged[Cdecl]<void*, int*, int*, nint, void*, int*, int*, nint, nint, nint*, int>)Export("MPI_Ialltoallv");

        nint Export(string name) => NativeLibrary.GetExport(library, name);
    }

    /// <summary>The library's name and version, as it tells them.</summary>
    public string Version { get; }

    /// <summary>Loads the first library that is there.</summary>
    /// <returns>null if none is</returns>
    public static MpiLibrary? Load(IEnumerable<string> names)
    {
        foreach (string name in names)
        {
            if (NativeLibrary.TryLoad(name, out nint library))
            {
                return new MpiLibrary(library);
            }
        }

        return null;
    }

    /// <summary>MPI_Init_thread: one call at a time, from any thread.</summary>
    public void Start()
    {
        int provided;
        Check(_initThread(0, 0, Serialized, &provided), "MPI_Init_thread");
        if (provided < Serialized)
        {
            throw new ProcessGroupException($"{Version} was built without MPI_THREAD_SERIALIZED");
        }

        Check(_commSetErrhandler(_world, _errorsReturn), "MPI_Comm_set_errhandler");
    }

    public void Finish() => Check(_finalize(), "MPI_Finalize");

    /// <summary>Has the launcher end all ranks.</summary>
    public void Abort(int code) => Check(_abort(_world, code), "MPI_Abort");

    public int Rank()
    {
        int rank;
        Check(_commRank(_world, &rank), "MPI_Comm_rank");
        return rank;
    }

    public int Size()
    {
        int size;
        Check(_commSize(_world, &size), "MPI_Comm_size");
        return size;
    }

    /// <summary>All ranks under a name of its own: operations meet only those of the same name.</summary>
    public nint NewCommunicator()
    {
        nint communicator = 0;
        Check(_commDup(_world, &communicator), "MPI_Comm_dup");
        Check(_commSetErrhandler(communicator, _errorsReturn), "MPI_Comm_set_errhandler");
        return communicator;
    }

    public void Free(nint communicator) => Check(_commFree(&communicator), "MPI_Comm_free");

    /// <summary>Whether an operation is done; every call drives all operations on.</summary>
    public bool IsDone(ref nint request)
    {
        int done;
        byte* status = stackalloc byte[StatusSize];
        fixed (nint* handle = &request)
        {
            Check(_test(handle, &done, status), "MPI_Test");
        }

        return done != 0;
    }

    /// <returns>the operation, for <see cref="IsDone"/>; so below</returns>
    public nint BeginBarrier(nint communicator)
    {
        nint request = 0;
        Check(_ibarrier(communicator, &request), "MPI_Ibarrier");
        return request;
    }

    public nint BeginBroadcast(byte* values, int bytes, int from, nint communicator)
    {
        nint request = 0;
        Check(_ibcast(values, bytes, _byte, from, communicator, &request), "MPI_Ibcast");
        return request;
    }

    /// <summary>The same number of bytes from every rank to every rank.</summary>
    public nint BeginGather(byte* own, int bytes, byte* all, nint communicator)
    {
        nint request = 0;
        Check(_iallgather(own, bytes, _byte, all, bytes, _byte, communicator, &request), "MPI_Iallgather");
        return request;
    }

    /// <summary>From every rank to every rank; counts and offsets in bytes, which must stay as they are until it is done.</summary>
    public nint BeginGather(byte* own, int bytes, byte* all, int* counts, int* offsets, nint communicator)
    {
        nint request = 0;
        Check(_iallgatherv(own, bytes, _byte, all, counts, offsets, _byte, communicator, &request), "MPI_Iallgatherv");
        return request;
    }

    /// <summary>Of every rank's bytes each rank gets its part; counts and offsets must stay as they are until it is done.</summary>
    public nint BeginExchange(
        byte* from, int* fromCounts, int* fromOffsets, byte* to, int* toCounts, int* toOffsets, nint communicator)
    {
        nint request = 0;
        Check(
            _ialltoallv(from, fromCounts, fromOffsets, _byte, to, toCounts, toOffsets, _byte, communicator, &request),
            "MPI_Ialltoallv");
        return request;
    }

    private static string VersionOf(nint library)
    {
        byte[] text = new byte[LongestVersion];
        int length;
        var version = (delegate* unmanaged[Cdecl]<byte*, int*, int>)NativeLibrary.GetExport(library, "MPI_Get_library_version");
        fixed (byte* start = text)
        {
            _ = version(start, &length);
        }

        return Encoding.UTF8.GetString(text, 0, length).Split('\n', ',')[0].Trim('\0', ' ');
    }

    private void Check(int code, string operation)
    {
        if (code == 0)
        {
            return;
        }

        byte* text = stackalloc byte[LongestError];
        int length = 0;
        string reason = _errorString(code, text, &length) == 0 ? Encoding.UTF8.GetString(text, length) : $"error {code}";
        throw new ProcessGroupException($"{operation} failed: {reason.ReplaceLineEndings(" ").Trim()} ({Version})");
    }
}
