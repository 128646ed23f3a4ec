using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace DinoSharp.Data;

/// <summary>
/// Reads the central directory of a zip archive (PKWARE's APPNOTE, sections 4.3.12 to 4.3.16 and 4.5.3), zip64 included. It is read once,
/// so that any thread can then go to any entry on its own, which <see cref="System.IO.Compression.ZipArchive"/> does not allow.
/// </summary>
internal static class ZipDirectory
{
    private const int EndLength = 22, LocatorLength = 20, Zip64EndLength = 56, EntryLength = 46;

    private const uint EndMark = 0x06054b50, LocatorMark = 0x07064b50, Zip64EndMark = 0x06064b50, EntryMark = 0x02014b50;

    /// <summary>Reads the entries that are images.</summary>
    /// <exception cref="InvalidDataException">The file is no zip archive, or a damaged one.</exception>
    public static ZipEntries Read(SafeFileHandle file)
    {
        long length = RandomAccess.GetLength(file);
        (long count, long size, long offset) = Locate(file, length);
        if (offset < 0 || size < 0 || offset > length || size > Math.Min(length - offset, Array.MaxLength))
        {
            throw new InvalidDataException("its directory lies outside of the file");
        }

        Span<byte> directory = ReadAt(file, offset, (int)size);
        ZipEntries entries = new();
        long read = 0;
        for (; directory.Length >= EntryLength && U32(directory) == EntryMark; read++)
        {
            int nameLength = U16(directory[28..]), extraLength = U16(directory[30..]), commentLength = U16(directory[32..]);
            if (directory.Length - EntryLength < nameLength + extraLength + commentLength)
            {
                throw new InvalidDataException("its directory is damaged");
            }

            Span<byte> name = directory.Slice(EntryLength, nameLength);
            name.Replace((byte)'\\', (byte)'/');
            ReadOnlySpan<byte> clean = ImageNames.Clean(name);
            entries.Unclean += clean.IsEmpty && ImageNames.HasImageExtension(name) ? 1 : 0;
            if (ImageNames.IsImage(clean))
            {
                AddEntry(entries, clean, directory, directory.Slice(EntryLength + nameLength, extraLength));
            }

            directory = directory[(EntryLength + nameLength + extraLength + commentLength)..];
        }

        // Some archivers, macOS's among them, write any number of entries without zip64, and what is left of it in 16 bits.
        return read >= count && (ushort)read == (ushort)count
            ? entries
            : throw new InvalidDataException($"its directory has {read} entries and says that it has {count}");
    }

    public static ushort U16(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt16LittleEndian(bytes);

    public static uint U32(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt32LittleEndian(bytes);

    /// <summary>Finds the directory by the record at the file's end, behind which there may be a comment.</summary>
    private static (long Count, long Size, long Offset) Locate(SafeFileHandle file, long length)
    {
        int tailLength = (int)Math.Min(length, EndLength + ushort.MaxValue);
        ReadOnlySpan<byte> tail = ReadAt(file, length - tailLength, tailLength);
        for (int at = tailLength - EndLength; at >= 0; at--)
        {
            ReadOnlySpan<byte> end = tail[at..];
            if (U32(end) != EndMark || U16(end[20..]) > end.Length - EndLength)
            {
                continue;
            }

            bool zip64 = at >= LocatorLength && U32(tail[(at - LocatorLength)..]) == LocatorMark;
            return zip64
                ? LocateZip64(file, length, (long)U64(tail[(at - LocatorLength + 8)..]))
                : (U16(end[10..]), U32(end[12..]), U32(end[16..]));
        }

        throw new InvalidDataException("its directory is missing");
    }

    private static (long Count, long Size, long Offset) LocateZip64(SafeFileHandle file, long length, long offset)
    {
        if (offset < 0 || offset > length - Zip64EndLength)
        {
            throw new InvalidDataException("its zip64 record lies outside of the file");
        }

        ReadOnlySpan<byte> end = ReadAt(file, offset, Zip64EndLength);
        return U32(end) == Zip64EndMark
            ? ((long)U64(end[32..]), (long)U64(end[40..]), (long)U64(end[48..]))
            : throw new InvalidDataException("its zip64 record is damaged");
    }

    private static void AddEntry(ZipEntries entries, ReadOnlySpan<byte> name, ReadOnlySpan<byte> entry, ReadOnlySpan<byte> extra)
    {
        long compressedSize = U32(entry[20..]), size = U32(entry[24..]), offset = U32(entry[42..]);
        ReadOnlySpan<byte> wide = Zip64Field(extra);
        size = Widen(size, ref wide);
        compressedSize = Widen(compressedSize, ref wide);
        offset = Widen(offset, ref wide);
        entries.Add(name, U16(entry[8..]), U16(entry[10..]), compressedSize, size, offset);
    }

    /// <summary>A value too large for 32 bits stands in the zip64 field instead, if it is the field's turn.</summary>
    private static long Widen(long value, ref ReadOnlySpan<byte> wide)
    {
        if (value != uint.MaxValue || wide.Length < sizeof(ulong))
        {
            return value;
        }

        long full = (long)U64(wide);
        wide = wide[sizeof(ulong)..];
        return full;
    }

    private static ReadOnlySpan<byte> Zip64Field(ReadOnlySpan<byte> extra)
    {
        while (extra.Length >= 4)
        {
            int fieldLength = Math.Min(U16(extra[2..]), extra.Length - 4);
            if (U16(extra) == 1)
            {
                return extra.Slice(4, fieldLength);
            }

            extra = extra[(4 + fieldLength)..];
        }

        return [];
    }

    private static byte[] ReadAt(SafeFileHandle file, long offset, int length)
    {
        byte[] bytes = new byte[length];
        return ArchivedBytes.Fill(file, bytes, offset) == length ? bytes : throw new InvalidDataException("it ends too early");
    }

    private static ulong U64(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64LittleEndian(bytes);
}
