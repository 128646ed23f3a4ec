using System.IO.Compression;
using System.IO.Hashing;
using System.Text;

namespace DinoSharp.Checkpoints;

/// <summary>torch.save's zip format: data.pkl, and a stored entry data/KEY for each storage, in one folder of any name.</summary>
internal static class TorchZipReader
{
    private const string Pickle = "data.pkl";

    public static object? Read(FileStream file, bool withTensors)
    {
        using var archive = new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true);
        long left = file.Length; // entries may not overlap, so all of them together are no longer than the file
        var pickle = archive.Entries.FirstOrDefault(e => e.Name == Pickle)
            ?? throw new InvalidDataException("it is a zip archive without data.pkl");
        string folder = pickle.FullName[..^Pickle.Length];
        if (archive.GetEntry(folder + "byteorder") is { } order && Encoding.ASCII.GetString(Bytes(order, ref left).Span) != "little")
        {
            throw new InvalidDataException("it was written on a big-endian machine");
        }

        var storages = new Dictionary<string, TorchStorage>(StringComparer.Ordinal);
        return new PickleReader(Bytes(pickle, ref left), new PickleGlobals(copyBudget: 4 * file.Length), Storage).Read();

        TorchStorage Storage(object?[] id)
        {
            if (id is not ["storage", PickleGlobal type, string key, _, long count, ..] ||
                !TorchStorage.TryTypeOf(type.Name, out var element))
            {
                throw new InvalidDataException("a tensor's memory is described in an unknown way");
            }

            if (!withTensors)
            {
                return new TorchStorage(element, null);
            }

            if (!storages.TryGetValue(key, out var storage))
            {
                var entry = archive.GetEntry($"{folder}data/{key}") ?? throw new InvalidDataException($"data/{key} is missing");
                storage = new TorchStorage(element, Bytes(entry, ref left));
                storages.Add(key, storage);
            }

            return storage.Type == element && count >= 0 && count <= storage.Bytes!.Value.Length / element.Size()
                ? storage
                : throw new InvalidDataException($"data/{key} is not of the size or type its tensors need");
        }
    }

    /// <summary>An entry's content, checked against its checksum. Entries are never compressed, so memory is bounded by the file.</summary>
    /// <param name="entry">to read</param>
    /// <param name="left">bytes that the entries not yet read can have at most</param>
    private static ReadOnlyMemory<byte> Bytes(ZipArchiveEntry entry, ref long left)
    {
        if (entry.Length != entry.CompressedLength)
        {
            throw new InvalidDataException($"{entry.FullName} is compressed, which torch.save does not do");
        }

        if (entry.Length < 0 || entry.Length > left || entry.Length > Array.MaxLength)
        {
            throw new InvalidDataException($"{entry.FullName} is larger than the file or than 2 GB");
        }

        left -= entry.Length;
        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)entry.Length);
        using (var stream = entry.Open())
        {
            stream.ReadExactly(bytes);
        }

        return Crc32.HashToUInt32(bytes) == entry.Crc32
            ? bytes
            : throw new InvalidDataException($"{entry.FullName} does not match its checksum: the file is damaged");
    }
}
