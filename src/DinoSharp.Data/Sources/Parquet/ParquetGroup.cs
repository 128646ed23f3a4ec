using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>
/// The images of one row group, in memory. If it is damaged, each of its images is; a table that cannot be read at all is an error at once.
/// </summary>
internal sealed class ParquetGroup : IDisposable
{
    private readonly ParquetColumn<ReadOnlyMemory<byte>>? _images;
    private readonly InvalidDataException? _damage;

    /// <exception cref="IOException">The table cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The table may not be read.</exception>
    public ParquetGroup(string path, int group)
    {
        try
        {
            using ParquetTable table = ParquetTable.Open(path);
            _images = group < table.Groups
                ? table.ReadImages(group)
                : throw new InvalidDataException("it has fewer row groups than when it was opened");
        }
        catch (InvalidDataException error)
        {
            _damage = error;
        }
    }

    /// <summary>Copies an image's bytes.</summary>
    /// <exception cref="ImageFormatException">There is none in the row, or the row group is damaged.</exception>
    public EncodedImage Read(int row, string name)
    {
        if (_images is null)
        {
            throw new ImageFormatException(name, $"its row group cannot be read; {_damage!.Message}", _damage);
        }

        if (row >= _images.Rows || !_images.TryGet(row, out ReadOnlyMemory<byte> bytes))
        {
            throw new ImageFormatException(name, "the row has no image; it is null");
        }

        EncodedImage image = new(name, bytes.Length);
        bytes.Span.CopyTo(image.Bytes);
        return image;
    }

    public void Dispose() => _images?.Dispose();
}
