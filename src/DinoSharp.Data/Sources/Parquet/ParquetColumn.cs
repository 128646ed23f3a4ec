using Parquet.Data;
using Parquet.Schema;

namespace DinoSharp.Data;

/// <summary>A column of a row group. A row that is null has no value, and the values stand without gaps.</summary>
internal sealed class ParquetColumn<T> : IDisposable
    where T : struct
{
    private readonly RawColumnData<T> _data;
    private readonly int[]? _places;

    /// <exception cref="InvalidDataException">There are not as many values as rows that are not null.</exception>
    public ParquetColumn(RawColumnData<T> data, DataField field, int rows)
    {
        _data = data;
        Rows = rows;
        if (field.MaxDefinitionLevel > 0)
        {
            _places = new int[rows];
            Span<int> levels = data.DefinitionLevels;
            for (int row = 0, place = 0; row < rows; row++)
            {
                _places[row] = levels[row] == field.MaxDefinitionLevel ? place++ : -1;
            }
        }

        if (data.Values.Length < (_places is null ? rows : _places.Count(place => place >= 0)))
        {
            data.Dispose();
            throw new InvalidDataException("it has fewer values than rows");
        }
    }

    public int Rows { get; }

    /// <summary>The value of a row.</summary>
    /// <returns>Whether there is one: it may be null.</returns>
    public bool TryGet(int row, out T value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)Rows, nameof(row));
        int place = _places is null ? row : _places[row];
        value = place < 0 ? default : _data.Values[place];
        return place >= 0;
    }

    public void Dispose() => _data.Dispose();
}
