using System.Buffers.Binary;

namespace DinoSharp.Imaging;

/// <summary>
/// What the segments ahead of a JPEG file's first scan say (ITU-T T.81, annex B). Reading stops at the first irregularity, and leaves
/// its judgement to a decoder.
/// </summary>
internal readonly struct JpegHeader
{
    private const byte StartOfImage = 0xD8, EndOfImage = 0xD9, StartOfScan = 0xDA, Exif = 0xE1;

    /// <summary>Columns; 0 if no frame header was found.</summary>
    public int Width { get; private init; }

    /// <summary>Rows; 0 if no frame header was found, or if it leaves the height to a later segment.</summary>
    public int Height { get; private init; }

    /// <summary>
    /// Whether every libjpeg decodes it: Huffman codes, sequential or progressive, 8 bits, one component or three. Arithmetic coding,
    /// lossless frames and 12 bits are choices of who built the library.
    /// </summary>
    public bool IsPlain { get; private init; }

    /// <summary>
    /// Whether the file is progressive and has no end. The rows of a sequential file come in order, so that a decoder misses those that
    /// are not there; a progressive one has all rows in its first scan, and Skia is content with those.
    /// </summary>
    public bool LacksScans { get; private init; }

    /// <summary>EXIF's orientation, 1 to 8; 1 where the file says nothing valid.</summary>
    public int Orientation { get; private init; }

    public static bool Recognises(ReadOnlySpan<byte> encoded) => encoded.StartsWith((ReadOnlySpan<byte>)[0xFF, StartOfImage, 0xFF]);

    public static JpegHeader Read(ReadOnlySpan<byte> encoded)
    {
        int orientation = 0;
        ReadOnlySpan<byte> frame = default;
        bool plain = false, regular = false, progressive = false, ends = true;
        for (int at = 2; at + 4 <= encoded.Length && encoded[at] == 0xFF;)
        {
            byte marker = encoded[at + 1];
            if (marker == 0xFF)
            {
                at++; // fill
                continue;
            }

            int length = BinaryPrimitives.ReadUInt16BigEndian(encoded[(at + 2)..]);
            if (marker < 0xC0 || marker is >= 0xD0 and <= EndOfImage || length < 2 || at + 2 + length > encoded.Length)
            {
                break;
            }

            if (marker == StartOfScan)
            {
                // No scan's data hold this marker: an FF in them is followed by 00 or by a restart.
                regular = true;
                ends = !progressive || encoded[at..].IndexOf((ReadOnlySpan<byte>)[0xFF, EndOfImage]) >= 0;
                break;
            }

            ReadOnlySpan<byte> payload = encoded.Slice(at + 4, length - 2);
            if (marker == Exif && orientation == 0)
            {
                orientation = ExifOrientation.Find(payload);
            }
            else if (IsFrame(marker))
            {
                if (!frame.IsEmpty || payload.Length < 6)
                {
                    break;
                }

                frame = payload;
                progressive = (marker & 3) == 2;
                plain = marker <= 0xC2 && frame[0] == 8 && frame[5] is 1 or 3;
            }

            at += 2 + length;
        }

        return new JpegHeader
        {
            Width = frame.IsEmpty ? 0 : BinaryPrimitives.ReadUInt16BigEndian(frame[3..]),
            Height = frame.IsEmpty ? 0 : BinaryPrimitives.ReadUInt16BigEndian(frame[1..]),
            IsPlain = plain && regular,
            LacksScans = !ends,
            Orientation = orientation == 0 ? ImageOrientation.Upright : orientation,
        };
    }

    /// <summary>
    /// SOF0 to SOF15; between them lie the segments of Huffman tables, of a reserved extension and of arithmetic conditioning.
    /// </summary>
    private static bool IsFrame(byte marker) => marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC);
}
