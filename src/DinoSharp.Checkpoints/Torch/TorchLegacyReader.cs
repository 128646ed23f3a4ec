using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;

namespace DinoSharp.Checkpoints;

/// <summary>
/// torch.save's format before PyTorch 1.6: pickles of a magic number, a protocol version, the machine's sizes and the object; then the keys
/// of the storages, then for each its length in elements and its memory.
/// </summary>
internal static class TorchLegacyReader
{
    private static readonly BigInteger Magic = BigInteger.Parse("119547037146038801333356", CultureInfo.InvariantCulture);

    public static object? Read(FileStream file, bool withTensors)
    {
        if (file.Length > Array.MaxLength)
        {
            throw new InvalidDataException(
                "files of the older format above 2 GB are not supported: load and save it with PyTorch 1.6 or later");
        }

        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)file.Length);
        file.ReadExactly(bytes);

        // The memory follows the object that needs it: the object is read once for its length and what it needs, and once with the memory.
        var types = new Dictionary<string, (ElementType Type, long Count)>(StringComparer.Ordinal);
        var measuring = new PickleReader(bytes, new PickleGlobals(copyBudget: 4L * bytes.Length), id =>
        {
            var (key, type, count) = Describe(id);
            types[key] = (type, count);
            return new TorchStorage(type, null);
        });
        if (measuring.Read() is not BigInteger magic || magic != Magic)
        {
            throw new InvalidDataException("it is a pickle but not one of torch.save");
        }

        measuring.Read(); // protocol version
        if (measuring.Read() is OrderedDictionary<object, object?> machine && machine.TryGetValue("little_endian", out object? little) &&
            little is false)
        {
            throw new InvalidDataException("it was written on a big-endian machine");
        }

        int start = measuring.Position;
        object? structure = measuring.Read();
        if (!withTensors)
        {
            return structure;
        }

        var keys = measuring.Read() as List<object?> ?? throw new InvalidDataException("the list of its tensors' memory is missing");
        var storages = Storages(bytes, measuring.Position, keys, types);
        return new PickleReader(bytes.AsMemory(start), new PickleGlobals(copyBudget: 4L * bytes.Length), id =>
            storages.TryGetValue(Describe(id).Key, out var storage)
                ? storage
                : throw new InvalidDataException("a tensor's memory is missing")).Read();
    }

    private static Dictionary<string, TorchStorage> Storages(
        byte[] bytes, int position, List<object?> keys, Dictionary<string, (ElementType Type, long Count)> types)
    {
        var storages = new Dictionary<string, TorchStorage>(StringComparer.Ordinal);
        foreach (object? key in keys)
        {
            if (key is not string name || !types.TryGetValue(name, out var type))
            {
                throw new InvalidDataException("the list of its tensors' memory is damaged");
            }

            long left = bytes.Length - position - sizeof(long);
            long count = left < 0 ? -1 : BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(position));
            if (count != type.Count || count > left / type.Type.Size())
            {
                throw new InvalidDataException("it ends too early or is damaged: a tensor's memory is not of the size stated");
            }

            int length = (int)count * type.Type.Size();
            storages[name] = new TorchStorage(type.Type, bytes.AsMemory(position + sizeof(long), length));
            position += sizeof(long) + length;
        }

        return storages;
    }

    private static (string Key, ElementType Type, long Count) Describe(object?[] id) =>
        id is ["storage", PickleGlobal type, string key, _, long count and >= 0, null] && TorchStorage.TryTypeOf(type.Name, out var element)
            ? (key, element, count)
            : throw new InvalidDataException("a tensor's memory is described in an unknown way");
}
