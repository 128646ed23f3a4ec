using System.Buffers.Binary;

namespace DinoSharp.Imaging;

/// <summary>
/// The orientation in a JPEG file's EXIF segment: a tag of the first directory of the small TIFF file that the segment holds.
/// </summary>
internal static class ExifOrientation
{
    private const int Tag = 0x0112, Short = 3, EntrySize = 12;

    /// <summary>1 to 8; 0 if the segment is none of EXIF, is damaged, or has no valid orientation.</summary>
    /// <param name="segment">The APP1 segment, after its length.</param>
    public static int Find(ReadOnlySpan<byte> segment)
    {
        if (!segment.StartsWith("Exif\0\0"u8))
        {
            return 0;
        }

        ReadOnlySpan<byte> tiff = segment[6..];
        bool bigEndian = tiff.StartsWith("MM\0*"u8);
        if (tiff.Length < 8 || !(bigEndian || tiff.StartsWith("II*\0"u8)))
        {
            return 0;
        }

        uint directory = UInt32(tiff[4..], bigEndian);
        if (directory > tiff.Length - 2)
        {
            return 0;
        }

        int count = UInt16(tiff[(int)directory..], bigEndian);
        ReadOnlySpan<byte> entries = tiff[((int)directory + 2)..];
        for (; count > 0 && entries.Length >= EntrySize; count--, entries = entries[EntrySize..])
        {
            if (UInt16(entries, bigEndian) == Tag)
            {
                int value = UInt16(entries[8..], bigEndian);
                bool isOne = UInt16(entries[2..], bigEndian) == Short && UInt32(entries[4..], bigEndian) == 1;
                return isOne && value is >= 1 and <= 8 ? value : 0;
            }
        }

        return 0;
    }

    private static int UInt16(ReadOnlySpan<byte> at, bool bigEndian) =>
        bigEndian ? BinaryPrimitives.ReadUInt16BigEndian(at) : BinaryPrimitives.ReadUInt16LittleEndian(at);

    private static uint UInt32(ReadOnlySpan<byte> at, bool bigEndian) =>
        bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(at) : BinaryPrimitives.ReadUInt32LittleEndian(at);
}
