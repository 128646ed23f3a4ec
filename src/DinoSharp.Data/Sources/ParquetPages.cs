using System.Buffers.Binary;
using Parquet.Meta;

namespace DinoSharp.Data;

/// <summary>
/// Looks at what a Parquet file declares before the library believes it: the footer's length, and the size of each page (the format's
/// description, https://parquet.apache.org/docs/file-format/, and <c>parquet.thrift</c>, which is coded in Thrift's compact protocol).
/// </summary>
internal static class ParquetPages
{
    private const int TailLength = 8, MaxHeader = 1 << 16;

    /// <summary>
    /// What compression can shrink at most where images are concerned: twice what deflate can. Zstandard could do more with bytes that
    /// are all the same, which no image is.
    /// </summary>
    private const int MaxRatio = 2064;

    /// <summary>Pages of this size cost little, however small they are when compressed: a column of labels that are all the same.</summary>
    private const int FreeSize = 1 << 22;

    /// <exception cref="InvalidDataException">The file is none of Parquet.</exception>
    public static void CheckFooter(FileStream file)
    {
        Span<byte> tail = stackalloc byte[TailLength];
        if (file.Length < TailLength + 4)
        {
            throw new InvalidDataException("it is too short");
        }

        file.Position = file.Length - TailLength;
        file.ReadExactly(tail);
        file.Position = 0;
        int length = BinaryPrimitives.ReadInt32LittleEndian(tail);
        if (!tail[4..].SequenceEqual("PAR1"u8) || length < 1 || length > file.Length - TailLength - 4)
        {
            throw new InvalidDataException("its end, where the directory is, is missing or damaged");
        }
    }

    /// <summary>Goes from page to page of a column's chunk, and holds their sizes against each other and the file's length.</summary>
    /// <exception cref="InvalidDataException">They cannot be.</exception>
    public static void Check(FileStream file, ColumnMetaData chunk)
    {
        long at = Math.Min(chunk.DataPageOffset, chunk.DictionaryPageOffset is > 0 and long dictionary ? dictionary : long.MaxValue);
        long end = at + chunk.TotalCompressedSize;
        if (at < 4 || chunk.TotalCompressedSize < 0 || end > file.Length)
        {
            throw new InvalidDataException("a column of it lies outside of the file");
        }

        byte[] buffer = new byte[MaxHeader];
        for (long uncompressed = 0, values = 0; values < chunk.NumValues && at < end;)
        {
            file.Position = at;
            int length = file.ReadAtLeast(buffer, (int)Math.Min(buffer.Length, end - at), throwOnEndOfStream: false);
            ThriftFields header = new(buffer.AsSpan(0, length));
            long packed = -1, unpacked = -1;
            values += ReadHeader(ref header, ref unpacked, ref packed);
            at += header.Position + packed;
            uncompressed += unpacked;
            if (packed < 0 || unpacked < 0 || at > end || unpacked > Math.Max(FreeSize, packed * MaxRatio) || uncompressed > Array.MaxLength)
            {
                throw new InvalidDataException("a page of it declares an impossible size");
            }
        }
    }

    /// <summary>Reads a PageHeader: field 2 is the uncompressed size, 3 the compressed one; 5 and 8 are headers of data pages.</summary>
    /// <returns>How many values the page has; none if it is a dictionary.</returns>
    private static long ReadHeader(ref ThriftFields header, ref long unpacked, ref long packed)
    {
        long values = 0;
        while (header.Next() is > 0 and int field)
        {
            switch (field)
            {
                case 2:
                    unpacked = header.Integer();
                    break;
                case 3:
                    packed = header.Integer();
                    break;
                case 5 or 8:
                    values = NumberOfValues(ref header);
                    break;
                default:
                    header.Skip();
                    break;
            }
        }

        return values;
    }

    /// <summary>Field 1 of both kinds of headers of data pages.</summary>
    private static long NumberOfValues(ref ThriftFields header)
    {
        long values = 0;
        header.Enter();
        while (header.Next() is > 0 and int field)
        {
            if (field == 1)
            {
                values = header.Integer();
            }
            else
            {
                header.Skip();
            }
        }

        header.Leave();
        return values >= 0 ? values : throw new InvalidDataException("a page of it declares an impossible number of values");
    }
}
