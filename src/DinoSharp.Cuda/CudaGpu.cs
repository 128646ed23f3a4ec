using System.Runtime.InteropServices;

namespace DinoSharp.Cuda;

/// <summary>
/// An NVIDIA GPU, by the driver's own interface (cuda.h). That library comes with the driver and has one name everywhere, where the runtime's,
/// which torch brings along, has another in each of its packages. Both work in the device's primary context, so their streams are the same.
/// </summary>
public sealed unsafe class CudaGpu : IGpu
{
    private const uint NonBlockingStream = 1; // CU_STREAM_NON_BLOCKING
    private const uint WithoutTiming = 2; // CU_EVENT_DISABLE_TIMING: the quickest to wait for

    private readonly int _index;
    private readonly nint _context;
    private readonly delegate* unmanaged[Cdecl]<int, nint*, int> _currentStream;
    private readonly delegate* unmanaged[Cdecl]<nint, int> _ctxSetCurrent;
    private readonly delegate* unmanaged[Cdecl]<nint*, uint, int> _streamCreate;
    private readonly delegate* unmanaged[Cdecl]<nint, int> _streamDestroy;
    private readonly delegate* unmanaged[Cdecl]<nint, nint, uint, int> _streamWaitEvent;
    private readonly delegate* unmanaged[Cdecl]<nint*, uint, int> _eventCreate;
    private readonly delegate* unmanaged[Cdecl]<nint, int> _eventDestroy;
    private readonly delegate* unmanaged[Cdecl]<nint, nint, int> _eventRecord;
    private readonly delegate* unmanaged[Cdecl]<nint, int> _eventSynchronize;
    private readonly delegate* unmanaged[Cdecl]<nint, nint, nuint, nint, int> _memcpyHtoDAsync;
    private readonly delegate* unmanaged[Cdecl]<int, byte**, int> _getErrorString;

    /// <param name="index">torch's number of the device, N of cuda:N</param>
    /// <exception cref="CudaException">One line: the driver, or torch's part for GPUs, is not there.</exception>
    public CudaGpu(int index)
    {
        _index = index;
        nint driver = Load(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", "install NVIDIA's driver");
        nint torch = Load("torch_cuda", "build with -p:Torch=cuda");
        _currentStream = (delegate* unmanaged[Cdecl]<int, nint*, int>)NativeLibrary.GetExport(torch, "aoti_torch_get_current_cuda_stream");
        _ctxSetCurrent = (delegate* unmanaged[Cdecl]<nint, int>)Export("cuCtxSetCurrent");
        _streamCreate = (delegate* unmanaged[Cdecl]<nint*, uint, int>)Export("cuStreamCreate");
        _streamDestroy = (delegate* unmanaged[Cdecl]<nint, int>)Export("cuStreamDestroy_v2");
        _streamWaitEvent = (delegate* unmanaged[Cdecl]<nint, nint, uint, int>)Export("cuStreamWaitEvent");
        _eventCreate = (delegate* unmanaged[Cdecl]<nint*, uint, int>)Export("cuEventCreate");
        _eventDestroy = (delegate* unmanaged[Cdecl]<nint, int>)Export("cuEventDestroy_v2");
        _eventRecord = (delegate* unmanaged[Cdecl]<nint, nint, int>)Export("cuEventRecord");
        _eventSynchronize = (delegate* unmanaged[Cdecl]<nint, int>)Export("cuEventSynchronize");
        _memcpyHtoDAsync = (delegate* unmanaged[Cdecl]<nint, nint, nuint, nint, int>)Export("cuMemcpyHtoDAsync_v2");
        _getErrorString = (delegate* unmanaged[Cdecl]<int, byte**, int>)Export("cuGetErrorString");

        var init = (delegate* unmanaged[Cdecl]<uint, int>)Export("cuInit");
        var deviceGet = (delegate* unmanaged[Cdecl]<int*, int, int>)Export("cuDeviceGet");
        var retain = (delegate* unmanaged[Cdecl]<nint*, int, int>)Export("cuDevicePrimaryCtxRetain");
        int device;
        nint context;
        Check(init(0), "cuInit");
        Check(deviceGet(&device, index), "cuDeviceGet");
        Guid identity;
        var uuid = (delegate* unmanaged[Cdecl]<Guid*, int, int>)Export("cuDeviceGetUuid"); // 16 bytes, as a Guid has
        Check(uuid(&identity, device), "cuDeviceGetUuid");
        Identity = identity.ToString();
        Check(retain(&context, device), "cuDevicePrimaryCtxRetain"); // and kept: it lives as long as torch, which uses it too
        _context = context;

        nint Export(string name) => NativeLibrary.GetExport(driver, name);
    }

    /// <summary>Tells the GPU from all others, whatever its number is for this process.</summary>
    public string Identity { get; }

    public nint TorchStream
    {
        get
        {
            nint stream;
            return _currentStream(_index, &stream) == 0 ? stream : throw new CudaException($"torch has no stream of cuda:{_index}");
        }
    }

    public void Enter() => Check(_ctxSetCurrent(_context), "cuCtxSetCurrent");

    public nint NewStream()
    {
        nint stream;
        Enter();
        Check(_streamCreate(&stream, NonBlockingStream), "cuStreamCreate");
        return stream;
    }

    public nint NewEvent()
    {
        nint made;
        Enter();
        Check(_eventCreate(&made, WithoutTiming), "cuEventCreate");
        return made;
    }

    public void Record(nint reached, nint stream)
    {
        Enter();
        Check(_eventRecord(reached, stream), "cuEventRecord");
    }

    public void Await(nint stream, nint reached)
    {
        Enter();
        Check(_streamWaitEvent(stream, reached, 0), "cuStreamWaitEvent");
    }

    public void Finish(nint reached)
    {
        Enter();
        Check(_eventSynchronize(reached), "cuEventSynchronize");
    }

    public void Copy(nint to, nint from, long bytes, nint stream)
    {
        Enter();
        Check(_memcpyHtoDAsync(to, from, (nuint)bytes, stream), "cuMemcpyHtoDAsync");
    }

    public void Free(nint stream, params IEnumerable<nint> events)
    {
        Enter();
        foreach (nint ended in events)
        {
            Check(_eventDestroy(ended), "cuEventDestroy");
        }

        Check(_streamDestroy(stream), "cuStreamDestroy");
    }

    private static nint Load(string name, string advice) => NativeLibrary.TryLoad(name, typeof(CudaGpu).Assembly, null, out nint library)
        ? library : throw new CudaException($"the library {name} does not load on {Environment.MachineName}: {advice}");

    private void Check(int code, string call)
    {
        if (code != 0)
        {
            byte* text;
            string? reason = _getErrorString(code, &text) == 0 ? Marshal.PtrToStringUTF8((nint)text) : null;
            throw new CudaException($"{call} failed on cuda:{_index}: {reason ?? $"error {code}"}");
        }
    }
}
