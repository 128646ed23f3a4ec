using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using DinoSharp.Imaging;
using FilePath = System.IO.Path;

namespace DinoSharp.Data;

/// <summary>
/// Grey images in MNIST's idx format, gzipped or not, held in memory: a header of big-endian numbers (magic number, then each
/// dimension), and then the bytes. The labels are in a second file, found by its name.
/// </summary>
internal sealed class IdxSource : IImageSource
{
    private const int Magic = 0x0800, MaxGzipRatio = 1032;

    private readonly int _height, _width;
    private readonly byte[] _images;
    private readonly byte[]? _labels;

    private IdxSource(string path, int[] shape, byte[] images, byte[]? labels)
    {
        Path = path;
        (Count, _height, _width) = (shape[0], shape[1], shape[2]);
        _images = images;
        _labels = labels;
        int classes = labels is null ? 0 : labels.Max() + 1;
        Classes = [.. Enumerable.Range(0, classes).Select(label => label.ToString(CultureInfo.InvariantCulture))];
    }

    public string Path { get; }

    public int Count { get; }

    public IReadOnlyList<string> Classes { get; }

    /// <summary>Whether a name is that of a file of images, as in <c>train-images-idx3-ubyte</c>, of MNIST and its kin.</summary>
    public static bool IsImagesFile(string path)
    {
        string name = FilePath.GetFileName(path);
        return name.Contains("images", StringComparison.Ordinal) && name.Contains("idx3", StringComparison.Ordinal);
    }

    /// <summary>
    /// Opens the images to learn from, whose file's name has the word <c>train</c> in it, or for the split <c>test</c> those of a file
    /// with <c>t10k</c> or <c>test</c>: <c>t10k-images-idx3-ubyte</c>, or <c>emnist-letters-test-images-idx3-ubyte.gz</c>.
    /// </summary>
    /// <param name="folder">The folder of the files.</param>
    /// <param name="names">Names of its files.</param>
    /// <param name="split">Null for <c>train</c>.</param>
    public static IdxSource OpenFolder(string folder, IEnumerable<string> names, string? split)
    {
        string[] words = split switch
        {
            null or "train" => ["train"],
            "test" => ["t10k", "test"],
            _ => throw new ImageSourceException(folder, $"idx files have the splits train and test, not '{split}'"),
        };
        string[] files = [.. names.Where(name => IsImagesFile(name) && name.Split('-', '.', '_').Intersect(words).Any())];
        return files.Select(OneSet).Distinct().Count() switch
        {
            1 => OpenFile(FilePath.Combine(folder, files[0])), // gzipped and not, they are the same
            0 => throw new ImageSourceException(folder, $"it has idx files, but no {words[0]}-images-idx3-ubyte or .gz; put it there"),
            _ => throw new ImageSourceException(folder, $"it has several sets, {string.Join(", ", files.Take(3))}; name one of them"),
        };

        static string OneSet(string name) => name.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? name[..^3] : name;
    }

    public static IdxSource OpenFile(string path)
    {
        (int[] shape, byte[] images) = Read(path, dimensions: 3);
        string labelsName = FilePath.GetFileName(path)
            .Replace("images", "labels", StringComparison.Ordinal).Replace("idx3", "idx1", StringComparison.Ordinal);
        string labelsPath = FilePath.Combine(FilePath.GetDirectoryName(path)!, labelsName);
        if (!File.Exists(labelsPath))
        {
            return new IdxSource(path, shape, images, labels: null);
        }

        (int[] labelsShape, byte[] labels) = Read(labelsPath, dimensions: 1);
        return labelsShape[0] == shape[0]
            ? new IdxSource(path, shape, images, labels)
            : throw new ImageSourceException(labelsPath, $"it has {labelsShape[0]} labels for {shape[0]} images; fetch both files again");
    }

    public string NameOf(int index) => string.Create(CultureInfo.InvariantCulture, $"{FilePath.GetFileName(Path)}#{index}");

    public int LabelOf(int index) => _labels is null ? -1 : _labels[index];

    public string? FileOf(int index) => Path;

    public PixelImage Load(int index, DecodeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.MaxPixels < (long)_width * _height)
        {
            throw new ImageFormatException(NameOf(index), $"it has {_width} x {_height} pixels, and {options.MaxPixels} are allowed");
        }

        int area = _width * _height;
        PixelImage grey = new(_width, _height, channels: 1);
        _images.AsSpan(index * area, area).CopyTo(grey.Pixels);
        return ChannelConversion.To(grey, options.Channels, NameOf(index));
    }

    public void Dispose()
    {
        // Everything is in managed memory.
    }

    private static (int[] Shape, byte[] Values) Read(string path, int dimensions)
    {
        using FileStream file = File.OpenRead(path);
        bool zipped = FilePath.GetExtension(path).Equals(".gz", StringComparison.OrdinalIgnoreCase);
        using Stream stream = zipped ? new GZipStream(file, CompressionMode.Decompress) : file;
        try
        {
            Span<byte> header = stackalloc byte[4 * (1 + dimensions)];
            stream.ReadExactly(header);
            int[] shape = new int[dimensions];
            long size = 1;
            for (int i = 0; i < dimensions; i++)
            {
                shape[i] = BinaryPrimitives.ReadInt32BigEndian(header[(4 * (1 + i))..]);
                size = shape[i] > 0 && size <= Array.MaxLength / shape[i] ? size * shape[i] : long.MaxValue;
            }

            // What the file declares must fit into it before memory is taken.
            long largest = Math.Min(Array.MaxLength, zipped ? file.Length * MaxGzipRatio : file.Length - header.Length);
            if (BinaryPrimitives.ReadInt32BigEndian(header) != (Magic | dimensions) || size > largest)
            {
                throw new InvalidDataException();
            }

            byte[] values = new byte[size];
            stream.ReadExactly(values);
            return (shape, values);
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException)
        {
            throw new ImageSourceException(path, $"no idx file of {dimensions} dimension(s), or a damaged one; fetch it again", error);
        }
    }
}
