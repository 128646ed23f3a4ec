using System.Globalization;
using Parquet;
using Parquet.Data;
using Parquet.Meta;
using Parquet.Schema;

namespace DinoSharp.Data;

/// <summary>
/// One Parquet file, open. The library's calls are all made here, as on damaged files it throws whatever comes to pass; what a file
/// declares is held against the file's length before any of it is read.
/// </summary>
internal sealed class ParquetTable : IDisposable
{
    /// <summary>More rows than this in a row group are too many: images of so many would be read at once.</summary>
    private const int MaxRows = 1 << 20;

    private readonly FileStream _file;
    private readonly ParquetReader _reader;

    private ParquetTable(FileStream file, ParquetReader reader)
    {
        _file = file;
        _reader = reader;
        Columns = ParquetColumns.Find(reader.Schema, reader.CustomMetadata);
    }

    public ParquetColumns Columns { get; }

    public int Groups => _reader.RowGroupCount;

    /// <exception cref="InvalidDataException">The file is no table of images, or damaged.</exception>
    public static ParquetTable Open(string path)
    {
        FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        try
        {
            ParquetPages.CheckFooter(file);
            return Guarded(() => new ParquetTable(file, ParquetReader.CreateAsync(file).GetAwaiter().GetResult()));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>What a row group has more of than can be read at once; null for one that can be read.</summary>
    /// <exception cref="InvalidDataException">The row group is damaged.</exception>
    public string? ExcessOf(int group)
    {
        if (_reader.Metadata?.RowGroups[group].NumRows > MaxRows)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{MaxRows:N0} rows");
        }

        long size = Guarded(() =>
        {
            using ParquetRowGroupReader reader = _reader.OpenRowGroupReader(group);
            return ChunkOf(reader, group, Columns.Images).TotalUncompressedSize;
        });
        return size > Array.MaxLength ? "2 GB" : null;
    }

    /// <exception cref="InvalidDataException">The row group is damaged.</exception>
    public int RowsOf(int group) => _reader.Metadata?.RowGroups[group].NumRows is >= 0 and <= MaxRows and long rows
        ? (int)rows
        : throw new InvalidDataException($"its row group {group} declares an impossible number of rows");

    /// <summary>The images' bytes of a row group. They are valid until the column is disposed.</summary>
    /// <exception cref="InvalidDataException">The row group is damaged.</exception>
    public ParquetColumn<ReadOnlyMemory<byte>> ReadImages(int group) => Read<ReadOnlyMemory<byte>>(group, Columns.Images);

    /// <summary>A column of texts; null for a row without one.</summary>
    /// <exception cref="InvalidDataException">The row group is damaged.</exception>
    public string?[] ReadTexts(int group, DataField field)
    {
        using var column = Read<ReadOnlyMemory<char>>(group, field);
        return [.. Enumerable.Range(0, RowsOf(group)).Select(row => column.TryGet(row, out var text) ? text.ToString() : null)];
    }

    /// <summary>A column of integers of any width; null for a row without one.</summary>
    /// <exception cref="InvalidDataException">The row group is damaged.</exception>
    public long?[] ReadNumbers(int group, DataField field)
    {
        return System.Type.GetTypeCode(field.ClrType) switch
        {
            TypeCode.Int64 => Numbers<long>(),
            TypeCode.Int32 => Numbers<int>(),
            TypeCode.Int16 => Numbers<short>(),
            TypeCode.SByte => Numbers<sbyte>(),
            TypeCode.Byte => Numbers<byte>(),
            TypeCode.UInt16 => Numbers<ushort>(),
            TypeCode.UInt32 => Numbers<uint>(),
            TypeCode.UInt64 => Numbers<ulong>(),
            _ => throw new InvalidDataException($"its column '{field.Name}' of labels is neither of integers nor of texts"),
        };

        long?[] Numbers<T>()
            where T : struct, IConvertible
        {
            using var column = Read<T>(group, field);
            return [.. Enumerable.Range(0, RowsOf(group)).Select(
                row => column.TryGet(row, out T number) ? Guarded(() => number.ToInt64(CultureInfo.InvariantCulture)) : (long?)null)];
        }
    }

    public void Dispose()
    {
        _reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _file.Dispose();
    }

    private ParquetColumn<T> Read<T>(int group, DataField field)
        where T : struct
    {
        int rows = RowsOf(group);
        return Guarded(() =>
        {
            using ParquetRowGroupReader reader = _reader.OpenRowGroupReader(group);
            ColumnMetaData chunk = ChunkOf(reader, group, field);
            if (chunk.NumValues != rows)
            {
                throw new InvalidDataException($"its row group {group} has another number of rows in the column '{field.Path}'");
            }

            ParquetPages.Check(_file, chunk);
            RawColumnData data = reader.ReadRawColumnDataBaseAsync(field).AsTask().GetAwaiter().GetResult();
            return new ParquetColumn<T>((RawColumnData<T>)data, field, rows);
        });
    }

    private static ColumnMetaData ChunkOf(ParquetRowGroupReader reader, int group, DataField field) =>
        reader.GetMetadata(field)?.MetaData ?? throw new InvalidDataException($"its row group {group} has no column '{field.Path}'");

    private static T Guarded<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is not InvalidDataException)
        {
            // On damaged bytes the library runs into an index, a cast or an end of its own sooner or later; which, means nothing.
            throw new InvalidDataException($"it is damaged or of a kind unknown ({error.GetType().Name})", error);
        }
    }
}
