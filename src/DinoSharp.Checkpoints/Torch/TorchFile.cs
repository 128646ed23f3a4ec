using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace DinoSharp.Checkpoints;

/// <summary>
/// Files of torch.save, of PyTorch 1.6 and later (a zip archive) and before (pickles in a row). Nothing in a file is executed: its pickle
/// is read as data, and a name outside a short list ends the reading.
/// </summary>
/// <remarks>
/// Values come as OrderedDictionary (dict), List (list), object[] (tuple), long or BigInteger, double, bool, string, byte[], null,
/// <see cref="ArrayData"/> (tensor, parameter) and <see cref="PickledNamespace"/>; the same are written.
/// </remarks>
public static class TorchFile
{
    private const string Root = "archive";

    /// <summary>The object a file holds.</summary>
    /// <exception cref="CheckpointException">One line: the file is missing, damaged, or holds more than data.</exception>
    public static object? Read(string path) => Read(path, withTensors: true);

    /// <summary>The object a file holds, with null in the place of each tensor: of a large file little is read.</summary>
    /// <exception cref="CheckpointException">One line: the file is missing, damaged, or holds more than data. Tensors are not looked at.</exception>
    public static object? ReadWithoutTensors(string path) => Read(path, withTensors: false);

    private static object? Read(string path, bool withTensors)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 20);
            Span<byte> start = stackalloc byte[4];
            int read = file.ReadAtLeast(start, 4, throwOnEndOfStream: false);
            file.Position = 0;
            return start[..read] switch
            {
                [(byte)'P', (byte)'K', ..] => TorchZipReader.Read(file, withTensors),
                [0x80, ..] => TorchLegacyReader.Read(file, withTensors),
                _ => throw new InvalidDataException("it does not begin as torch.save's files do"),
            };
        }
        catch (Exception cause) when (cause is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CheckpointException($"{path}: no such file", cause);
        }
        catch (OverflowException cause)
        {
            throw new CheckpointException($"{path}: not a readable PyTorch file: a size in it is larger than any memory", cause);
        }
        catch (Exception cause) when (cause is InvalidDataException or EndOfStreamException)
        {
            throw new CheckpointException($"{path}: not a readable PyTorch file: {cause.Message.TrimEnd('.')}", cause);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{path}: cannot be read ({cause.Message.TrimEnd('.')})", cause);
        }
    }

    /// <summary>Writes an object in the zip format, so that torch.load reads it. The file is replaced whole or not at all.</summary>
    /// <exception cref="CheckpointException">One line: the place cannot be written.</exception>
    public static void Write(string path, object? root) => AtomicFile.Write(path, stream =>
    {
        var writer = new PickleWriter();
        using var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
        Add(archive, "data.pkl", writer.Write(root));
        Add(archive, "byteorder", "little"u8);
        for (int key = 0; key < writer.Storages.Count; key++)
        {
            Add(archive, string.Create(CultureInfo.InvariantCulture, $"data/{key}"), writer.Storages[key].Bytes.Span);
        }

        Add(archive, "version", "3\n"u8);
    });

    private static void Add(ZipArchive archive, string name, ReadOnlySpan<byte> bytes)
    {
        var entry = archive.CreateEntry($"{Root}/{name}", CompressionLevel.NoCompression);
        entry.LastWriteTime = new DateTimeOffset(1980, 1, 1, 0, 0, 0, TimeSpan.Zero); // the same content, the same bytes
        using var stream = entry.Open();
        stream.Write(bytes);
    }
}
