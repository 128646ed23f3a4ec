using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;

namespace DinoSharp.Imaging;

/// <summary>The frame of a PNG file: a signature, and chunks of a length, a name of four letters, bytes and a checksum (RFC 2083).</summary>
internal static class PngChunks
{
    /// <summary>Bytes of a chunk beside its content.</summary>
    private const int Frame = 12;

    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', (byte)'\r', (byte)'\n', 0x1a, (byte)'\n'];

    /// <summary>Writes a chunk whose content lies in parts.</summary>
    public static void Write(Stream stream, ReadOnlySpan<byte> name, params ReadOnlySpan<ReadOnlyMemory<byte>> parts)
    {
        Crc32 checksum = new();
        int length = 0;
        foreach (ReadOnlyMemory<byte> part in parts)
        {
            length = checked(length + part.Length);
        }

        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, length);
        stream.Write(number);
        stream.Write(name);
        checksum.Append(name);
        foreach (ReadOnlyMemory<byte> part in parts)
        {
            stream.Write(part.Span);
            checksum.Append(part.Span);
        }

        BinaryPrimitives.WriteUInt32BigEndian(number, checksum.GetCurrentHashAsUInt32());
        stream.Write(number);
    }

    /// <summary>The header chunk.</summary>
    public static void WriteHeader(Stream stream, int width, int height, byte depth, byte colorType)
    {
        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (depth, colorType);
        Write(stream, "IHDR"u8, header);
    }

    /// <summary>Rows of an image, each behind a byte for its filter, compressed.</summary>
    public static ReadOnlyMemory<byte> Compress(ReadOnlySpan<byte> rows)
    {
        MemoryStream compressed = new();
        using (ZLibStream zlib = new(compressed, CompressionLevel.Optimal, leaveOpen: true))
        {
            zlib.Write(rows);
        }

        return compressed.GetBuffer().AsMemory(0, (int)compressed.Length);
    }

    /// <summary>Takes the next chunk off the rest of a file.</summary>
    /// <param name="rest">behind the signature or a chunk; afterwards behind the next one</param>
    /// <param name="file">what errors call it</param>
    /// <param name="content">the chunk's bytes</param>
    /// <returns>the chunk's name</returns>
    /// <exception cref="ImageFormatException">The chunk is cut off or its checksum is wrong.</exception>
    public static ReadOnlySpan<byte> Read(ref ReadOnlySpan<byte> rest, string file, out ReadOnlySpan<byte> content)
    {
        uint length = rest.Length < Frame ? uint.MaxValue : BinaryPrimitives.ReadUInt32BigEndian(rest);
        if (length > (uint)Math.Max(0, rest.Length - Frame))
        {
            throw new ImageFormatException(file, "the file is truncated");
        }

        ReadOnlySpan<byte> named = rest.Slice(4, 4 + (int)length);
        if (Crc32.HashToUInt32(named) != BinaryPrimitives.ReadUInt32BigEndian(rest[(4 + named.Length)..]))
        {
            throw new ImageFormatException(file, "a checksum in the file is wrong: it is damaged");
        }

        rest = rest[(named.Length + 8)..];
        content = named[4..];
        return named[..4];
    }
}
