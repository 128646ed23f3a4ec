using System.Globalization;
using DinoSharp.Imaging;
using Microsoft.Win32.SafeHandles;
using FilePath = System.IO.Path;

namespace DinoSharp.Data;

/// <summary>
/// CIFAR-10 and CIFAR-100 in their binary versions (https://www.cs.toronto.edu/~kriz/cifar.html): records of one or two bytes of classes
/// and 32 x 32 pixels, all red ones first, then green, then blue. Any number of threads read them without a lock.
/// </summary>
internal sealed class CifarSource : IImageSource
{
    private const int Side = 32, Area = Side * Side, ImageBytes = 3 * Area;

    private static readonly string[] TrainFiles = ["train.bin", .. Enumerable.Range(1, 5).Select(i => $"data_batch_{i}.bin")];

    private readonly RecordFile[] _files;
    private readonly byte[] _labels;

    private CifarSource(string path, RecordFile[] files, byte[] labels, string[] classes)
    {
        Path = path;
        _files = files;
        _labels = labels;
        Classes = classes;
    }

    public string Path { get; }

    public int Count => _labels.Length;

    public IReadOnlyList<string> Classes { get; }

    /// <summary>Whether a file's name is one of CIFAR's. The records of <c>train.bin</c> and <c>test.bin</c> are CIFAR-100's.</summary>
    public static bool IsImagesFile(string name) => TrainFiles.Contains(name) || name is "test_batch.bin" or "test.bin";

    /// <param name="folder">The folder of the files.</param>
    /// <param name="names">The files' names.</param>
    /// <param name="split"><c>test</c>, or <c>train</c> or null for the files to learn from.</param>
    public static CifarSource OpenFolder(string folder, IEnumerable<string> names, string? split)
    {
        string[] files = split switch
        {
            null or "train" => [.. names.Where(TrainFiles.Contains)],
            "test" => [.. names.Where(name => IsImagesFile(name) && !TrainFiles.Contains(name))],
            _ => throw new ImageSourceException(folder, $"CIFAR has the splits train and test, not '{split}'"),
        };
        return files.Length > 0
            ? Open(folder, folder, files)
            : throw new ImageSourceException(folder, $"it has CIFAR's files, but none of the split {split ?? "train"}; put them there");
    }

    public static CifarSource OpenFile(string path) => Open(path, FilePath.GetDirectoryName(path) ?? "", [FilePath.GetFileName(path)]);

    public string NameOf(int index)
    {
        RecordFile file = RecordsOf(index);
        return string.Create(CultureInfo.InvariantCulture, $"{file.Name}#{index - file.First}");
    }

    public int LabelOf(int index) => _labels[index];

    public string? FileOf(int index) => RecordsOf(index).Path;

    public PixelImage Load(int index, DecodeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.MaxPixels < Area)
        {
            throw new ImageFormatException(NameOf(index), $"it has {Side} x {Side} pixels, and {options.MaxPixels} are allowed");
        }

        RecordFile file = RecordsOf(index);
        int head = file.IsFine ? 2 : 1;
        long offset = ((long)(index - file.First) * (head + ImageBytes)) + head;
        using EncodedImage record = ArchivedBytes.Read(file.File, offset, ImageBytes, NameOf(index));
        PixelImage image = new(Side, Side);
        Span<byte> pixels = image.Pixels;
        ReadOnlySpan<byte> planar = record.Bytes;
        for (int i = 0; i < Area; i++)
        {
            pixels[3 * i] = planar[i];
            pixels[3 * i + 1] = planar[Area + i];
            pixels[3 * i + 2] = planar[2 * Area + i];
        }

        return ChannelConversion.To(image, options.Channels, NameOf(index));
    }

    public void Dispose() => Array.ForEach(_files, file => file.File.Dispose());

    private static CifarSource Open(string path, string folder, string[] names)
    {
        List<RecordFile> files = [];
        List<byte> labels = [];
        try
        {
            foreach (string name in names.Order(StringComparer.Ordinal))
            {
                bool isFine = !name.Contains("batch", StringComparison.Ordinal);
                string filePath = FilePath.Combine(folder, name);
                SafeFileHandle file = File.OpenHandle(filePath);
                files.Add(new RecordFile(filePath, file, labels.Count, isFine));
                labels.AddRange(ReadLabels(filePath, file, isFine ? 2 : 1));
            }

            if (files.Exists(file => file.IsFine != files[0].IsFine))
            {
                throw new ImageSourceException(path, "it has files of both CIFAR-10 and CIFAR-100; put them into folders of their own");
            }

            string[] classes = files[0].IsFine
                ? ReadClasses(folder, "fine_label_names.txt", 100)
                : ReadClasses(folder, "batches.meta.txt", 10);
            return labels.TrueForAll(label => label < classes.Length)
                ? new CifarSource(path, [.. files], [.. labels], classes)
                : throw new ImageSourceException(path, $"it has classes beyond its {classes.Length}; it is damaged, fetch it again");
        }
        catch
        {
            files.ForEach(file => file.File.Dispose());
            throw;
        }
    }

    /// <summary>The last byte before the pixels: with CIFAR-100 the fine class, behind the coarse one.</summary>
    private static byte[] ReadLabels(string path, SafeFileHandle file, int head)
    {
        int record = head + ImageBytes;
        long length = RandomAccess.GetLength(file);
        if (length == 0 || length % record != 0 || length / record > Array.MaxLength / 2)
        {
            throw new ImageSourceException(path, $"its {length} bytes are no whole number of records of {record} bytes; fetch it again");
        }

        byte[] labels = new byte[length / record];
        for (int i = 0; i < labels.Length; i++)
        {
            if (RandomAccess.Read(file, labels.AsSpan(i, 1), (long)i * record + head - 1) != 1)
            {
                throw new ImageSourceException(path, "it became shorter while it was read; try again");
            }
        }

        return labels;
    }

    /// <summary>The classes' names beside the images, or their numbers if that file is missing.</summary>
    private static string[] ReadClasses(string folder, string name, int count)
    {
        string file = FilePath.Combine(folder, name);
        string[] lines = File.Exists(file) ? [.. File.ReadLines(file).Select(line => line.Trim()).Where(line => line.Length > 0)] : [];
        return lines.Length == count || lines.Length == 0
            ? [.. Enumerable.Range(0, count).Select(i => lines.ElementAtOrDefault(i) ?? i.ToString(CultureInfo.InvariantCulture))]
            : throw new ImageSourceException(file, $"it names {lines.Length} classes and not {count}; fetch it again");
    }

    private RecordFile RecordsOf(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        return Array.FindLast(_files, file => file.First <= index)!;
    }

    /// <param name="Path">where the file is</param>
    /// <param name="File">the file, open</param>
    /// <param name="First">the index of its first image in the source</param>
    /// <param name="IsFine">whether its records have a coarse and a fine class, as CIFAR-100's</param>
    private sealed record RecordFile(string Path, SafeFileHandle File, int First, bool IsFine)
    {
        public string Name => FilePath.GetFileName(Path);
    }
}
