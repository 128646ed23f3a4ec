using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
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

    private static unsafe PixelImage DecodeFirstPage(ReadOnlySpan<byte> encoded, string name, DecodeOptions options)
    {
        Complaints.Clear();
        fixed (byte* bytes = encoded)
        {
            using UnmanagedMemoryStream file = new(bytes, encoded.Length);
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

            // The library would mirror pages by their orientation, but not turn them: asked for the page's own, it leaves them alone.
            // In TIFF orientation is no addition of cameras but one of the format's own fields, so that Pillow, too, always follows it.
            Alpha alpha = TakeAlpha(tiff);
            int orientation = Field(tiff, TiffTag.ORIENTATION) is var stored and >= 1 and <= 8 ? stored : ImageOrientation.Upright;
            int length = width * height + PixelImage.Slack / sizeof(int);
            int[] packed = ArrayPool<int>.Shared.Rent(length);
            try
            {
                if (!tiff.ReadRGBAImageOriented(width, height, packed, (Orientation)orientation, stopOnError: true))
                {
                    throw new ImageFormatException(name, Complaints.Reason);
                }

                // Red is the lowest byte of each. All that the pool gives may be more bytes than a span has.
                Span<byte> rgba = MemoryMarshal.AsBytes(packed.AsSpan(0, length));
                if (alpha == Alpha.Associated)
                {
                    RgbaPacking.Unpremultiply(rgba[..(4 * width * height)]);
                }

                if (alpha != Alpha.None && options.Background is { } background)
                {
                    RgbaPacking.Compose(rgba[..(4 * width * height)], background);
                }

                PixelImage image = new(width, height, options.Channels);
                RgbaPacking.Pack(rgba, image);
                return ImageOrientation.Apply(image, orientation);
            }
            finally
            {
                ArrayPool<int>.Shared.Return(packed);
            }
        }
    }

    /// <summary>
    /// What the page's fourth channel is. Unassociated alpha is declared associated then, as the library would multiply colours by it.
    /// </summary>
    private static Alpha TakeAlpha(Tiff tiff)
    {
        if (tiff.GetField(TiffTag.EXTRASAMPLES) is not [FieldValue count, FieldValue kinds, ..] || count.ToInt() < 1)
        {
            return Alpha.None;
        }

        switch ((ExtraSample)kinds.ToShortArray()[0])
        {
            case ExtraSample.ASSOCALPHA:
                return Alpha.Associated;
            case ExtraSample.UNASSALPHA:
                short[] associated = [(short)ExtraSample.ASSOCALPHA, .. kinds.ToShortArray()[1..]];
                tiff.SetField(TiffTag.EXTRASAMPLES, associated.Length, associated);
                return Alpha.Unassociated;
            default:
                return Alpha.None;
        }
    }

    private static int Field(Tiff tiff, TiffTag tag) => tiff.GetField(tag) is [FieldValue value, ..] ? value.ToInt() : 0;

    /// <summary>Whether a page has alpha, and whether its colours are multiplied by it.</summary>
    private enum Alpha
    {
        None,
        Unassociated,
        Associated,
    }

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
