using System.Globalization;
using BitMiracle.LibTiff.Classic;

namespace DinoSharp.Imaging;

/// <summary>The first page of a TIFF file, through the managed LibTiff.NET.</summary>
internal static class TiffReader
{
    static TiffReader() => Tiff.SetErrorHandler(new Complaints());

    /// <summary>"II*\0" or "MM\0*": the magic number of either byte order; 43 in place of 42 (*) is BigTIFF.</summary>
    public static bool Recognises(ReadOnlySpan<byte> encoded) =>
        encoded.Length >= 4
        && ((encoded[0] == 'I' && encoded[1] == 'I' && encoded[2] is 42 or 43 && encoded[3] == 0)
            || (encoded[0] == 'M' && encoded[1] == 'M' && encoded[2] == 0 && encoded[3] is 42 or 43));

    public static PixelImage Decode(ReadOnlySpan<byte> encoded, string name, DecodeOptions options)
    {
        try
        {
            return DecodeFirstPage(encoded, name, options);
        }
        catch (Exception cause) when (cause is not (ImageFormatException or OutOfMemoryException))
        {
            // The library checks little: a damaged file may run it out of an array's bounds, or into a null.
            throw new ImageFormatException(name, "the TIFF file is damaged", cause);
        }
    }

    private static PixelImage DecodeFirstPage(ReadOnlySpan<byte> encoded, string name, DecodeOptions options)
    {
        Complaints.Clear();
        using MemoryStream file = new(encoded.ToArray(), writable: false);
        using Tiff? tiff = Tiff.ClientOpen(name, "r", file, new TiffStream());
        if (tiff is null)
        {
            throw new ImageFormatException(name, Complaints.Reason);
        }

        int width = Field(tiff, TiffTag.IMAGEWIDTH), height = Field(tiff, TiffTag.IMAGELENGTH);
        ImageDecoder.CheckSize(width, height, name, options);
        if (tiff.IsTiled())
        {
            ImageDecoder.CheckSize(Field(tiff, TiffTag.TILEWIDTH), Field(tiff, TiffTag.TILELENGTH), name, options);
        }

        int[] packed = new int[width * height];
        if (!tiff.ReadRGBAImageOriented(width, height, packed, Orientation.TOPLEFT, stopOnError: true))
        {
            throw new ImageFormatException(name, Complaints.Reason);
        }

        PixelImage image = new(width, height);
        Span<byte> pixels = image.Pixels;
        for (int i = 0; i < packed.Length; i++)
        {
            pixels[3 * i] = (byte)Tiff.GetR(packed[i]);
            pixels[3 * i + 1] = (byte)Tiff.GetG(packed[i]);
            pixels[3 * i + 2] = (byte)Tiff.GetB(packed[i]);
        }

        return image;
    }

    private static int Field(Tiff tiff, TiffTag tag) => tiff.GetField(tag) is [FieldValue value, ..] ? value.ToInt() : 0;

    /// <summary>
    /// Keeps the library's first complaint for the exception; its default prints to the console. The library knows one handler a
    /// process, and calls it on the thread that decodes.
    /// </summary>
    private sealed class Complaints : TiffErrorHandler
    {
        [ThreadStatic]
        private static string? s_first;

        public static string Reason => s_first is null ? "the TIFF file is damaged" : $"the TIFF file cannot be decoded: {s_first}";

        public static void Clear() => s_first = null;

        public override void ErrorHandler(Tiff tif, string method, string format, params object[] args) =>
            s_first ??= string.Format(CultureInfo.InvariantCulture, format, args).ReplaceLineEndings(" ");

        public override void WarningHandler(Tiff tif, string method, string format, params object[] args)
        {
        }
    }
}
