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

    /// <summary>
    /// Makes sure that the directory at the file's end is one whole struct. On some that are not, the library would search for their end
    /// forever.
    /// </summary>
    /// <exception cref="InvalidDataException">The file is none of Parquet, or damaged.</exception>
    public static void CheckFooter(FileStream file)
    {
        Span<byte> tail = stackalloc byte[TailLength];
        if (file.Length < TailLength + 4)
        {
            throw new InvalidDataException("it is too short");
        }

        file.Position = file.Length - TailLength;
        file.ReadExactly(tail);
        int length = BinaryPrimitives.ReadInt32LittleEndian(tail);
        if (!tail[4..].SequenceEqual("PAR1"u8) || length < 1 || length > file.Length - TailLength - 4)
        {
            throw new InvalidDataException("its end, where the directory is, is missing or damaged");
        }

        byte[] footer = new byte[length];
        file.Position = file.Length - TailLength - length;
        file.ReadExactly(footer);
        file.Position = 0;
        ThriftFields fields = new(footer);
        while (fields.Next() != 0)
        {
            fields.Skip();
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
            PageSizes page = ReadHeader(ref header);
            at += header.Position + page.Packed;
            uncompressed += page.Unpacked;
            values += page.Values;
            bool fits = page.Packed >= 0 && page.Unpacked >= 0 && page.Values >= 0 && at <= end
                && page.Unpacked <= Math.Max(FreeSize, page.Packed * MaxRatio) && uncompressed <= Array.MaxLength;
            bool tellsSize = chunk.Codec == CompressionCodec.SNAPPY && page is { IsAllPacked: true, Unpacked: > 0 };
            if (!fits || (tellsSize && page.Unpacked != header.Unsigned()))
            {
                throw new InvalidDataException("a page of it declares an impossible size");
            }
        }
    }

    /// <summary>
    /// Reads a PageHeader: field 2 is the uncompressed size, 3 the compressed one; 5 and 8 are headers of data pages, of which the second
    /// kind has a part that is not compressed before the other.
    /// </summary>
    private static PageSizes ReadHeader(ref ThriftFields header)
    {
        PageSizes page = new(Unpacked: -1, Packed: -1, Values: 0, IsAllPacked: true);
        while (header.Next() is > 0 and int field)
        {
            switch (field)
            {
                case 2:
                    page = page with { Unpacked = header.Integer() };
                    break;
                case 3:
                    page = page with { Packed = header.Integer() };
                    break;
                case 5 or 8:
                    page = page with { Values = NumberOfValues(ref header), IsAllPacked = field == 5 };
                    break;
                default:
                    header.Skip();
                    break;
            }
        }

        return page;
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
        return values;
    }

    /// <param name="Unpacked">The size when it is not compressed.</param>
    /// <param name="Packed">The size in the file.</param>
    /// <param name="Values">How many values it has, nulls too; none if it is a dictionary.</param>
    /// <param name="IsAllPacked">Whether all of it is compressed, as one block, which with Snappy begins with its size.</param>
    private readonly record struct PageSizes(long Unpacked, long Packed, long Values, bool IsAllPacked);
}
