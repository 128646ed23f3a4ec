using System.Runtime.InteropServices;

namespace DinoSharp.Imaging;

/// <summary>
/// The functions of the TurboJPEG C API, version 2 (which version 3 keeps), that decoding needs. They are looked up by name, so that a
/// library without one of them counts as none, and not as a crash at the first picture.
/// </summary>
internal sealed unsafe class TurboJpegLibrary
{
    /// <summary>Names that the system's loader looks up, and on macOS the places of Homebrew, where it does not look.</summary>
    private static readonly string[] Names = OperatingSystem.IsWindows()
        ? ["turbojpeg.dll", "libturbojpeg.dll"]
        : OperatingSystem.IsMacOS()
            ? ["libturbojpeg.dylib", "/opt/homebrew/opt/jpeg-turbo/lib/libturbojpeg.dylib", "/usr/local/opt/jpeg-turbo/lib/libturbojpeg.dylib"]
            : ["libturbojpeg.so.0", "libturbojpeg.so"];

    private readonly delegate* unmanaged<nint> _initDecompress;
    private readonly delegate* unmanaged<nint, int> _destroy;
    private readonly delegate* unmanaged<nint, byte*, CULong, int*, int*, int*, int*, int> _decompressHeader;
    private readonly delegate* unmanaged<nint, byte*, CULong, byte*, int, int, int, int, int, int> _decompress;

    private TurboJpegLibrary(string name, nint initDecompress, nint destroy, nint decompressHeader, nint decompress)
    {
        Name = name;
        _initDecompress = (delegate* unmanaged<nint>)initDecompress;
        _destroy = (delegate* unmanaged<nint, int>)destroy;
        _decompressHeader = (delegate* unmanaged<nint, byte*, CULong, int*, int*, int*, int*, int>)decompressHeader;
        _decompress = (delegate* unmanaged<nint, byte*, CULong, byte*, int, int, int, int, int, int>)decompress;
    }

    /// <summary>The system's library; null if it has none. It stays loaded as long as the process lives.</summary>
    public static TurboJpegLibrary? Instance { get; } = Find();

    /// <summary>The file's name, without a folder.</summary>
    public string Name { get; }

    /// <summary>A new decompressor, 0 if there is no memory for it.</summary>
    public nint InitDecompress() => _initDecompress();

    public void Destroy(nint decompressor) => _ = _destroy(decompressor); // fails only for a null

    /// <summary>Whether the header was read without an error or a warning.</summary>
    public bool DecompressHeader(nint decompressor, byte* jpeg, int length, out int width, out int height, out int colorSpace)
    {
        int w = 0, h = 0, subsampling = 0, color = 0;
        int failed = _decompressHeader(decompressor, jpeg, new CULong((uint)length), &w, &h, &subsampling, &color);
        (width, height, colorSpace) = (w, h, color);
        return failed == 0;
    }

    /// <summary>
    /// Decodes at the largest scale whose result is not larger than width and height. Whether that went without an error or a warning.
    /// </summary>
    public bool Decompress(
        nint decompressor, byte* jpeg, int length, byte* pixels, int width, int pitch, int height, int format, int flags) =>
        _decompress(decompressor, jpeg, new CULong((uint)length), pixels, width, pitch, height, format, flags) == 0;

    private static TurboJpegLibrary? Find()
    {
        foreach (string name in Names)
        {
            if (NativeLibrary.TryLoad(name, typeof(TurboJpegLibrary).Assembly, searchPath: null, out nint library))
            {
                if (NativeLibrary.TryGetExport(library, "tjInitDecompress", out nint init)
                    && NativeLibrary.TryGetExport(library, "tjDestroy", out nint destroy)
                    && NativeLibrary.TryGetExport(library, "tjDecompressHeader3", out nint header)
                    && NativeLibrary.TryGetExport(library, "tjDecompress2", out nint decompress))
                {
                    return new TurboJpegLibrary(Path.GetFileName(name), init, destroy, header, decompress);
                }

                NativeLibrary.Free(library);
            }
        }

        return null;
    }
}
