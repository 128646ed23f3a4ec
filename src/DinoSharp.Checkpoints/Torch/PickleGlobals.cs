using System.Buffers.Binary;
using System.Text;

namespace DinoSharp.Checkpoints;

/// <summary>A class or function that a pickle names.</summary>
internal sealed record PickleGlobal(string Module, string Name)
{
    public override string ToString() => $"{Module}.{Name}";
}

/// <summary>NumPy's description of an element, e.g. f8.</summary>
internal sealed record NumpyType(string Code, bool BigEndian);

/// <summary>
/// The few names of Python that a file of weights may hold, each with what it means here. A pickle can name any function and have it
/// called; here a name is only ever looked up in this list, and nothing outside it gets further than the error.
/// </summary>
/// <param name="copyBudget">
/// bytes that calls may copy: a few bytes of a pickle can name the same large argument again and again, and each call would copy it
/// </param>
/// <param name="arrays">whether NumPy arrays are known, which torch.save's files have no use for</param>
internal sealed class PickleGlobals(long copyBudget, bool arrays = false)
{
    private const int MostDimensions = 64; // PyTorch's own limit
    private const int BytesAnEntry = 16;
    private const int MostShown = 60;

    private long _copyBudget = copyBudget;

    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "collections.OrderedDict", "argparse.Namespace", "_codecs.encode",
        "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter", "torch.Size", "torch.device",
        "numpy.dtype", "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar",
    };

    private static readonly HashSet<string> KnownOfArrays = new(StringComparer.Ordinal)
    {
        "numpy.ndarray", "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct",
        "numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer", "__builtin__.bytes",
    };

    /// <summary>The name, if it is one that stands for data.</summary>
    /// <exception cref="InvalidDataException">It is not.</exception>
    public PickleGlobal Find(string module, string name)
    {
        var global = new PickleGlobal(module, name);
        bool storage = module == "torch" && TorchStorage.TryTypeOf(name, out _);
        return storage || Known.Contains(global.ToString()) || (arrays && KnownOfArrays.Contains(global.ToString()))
            ? global
            : throw new InvalidDataException(
                $"it names {Shortened(module)}.{Shortened(name)}, which is not data: refused, and nothing in it was executed");
    }

    /// <summary>What calling a name with arguments stands for.</summary>
    public object? Call(PickleGlobal global, object?[] arguments) => (global.ToString(), arguments) switch
    {
        ("collections.OrderedDict", []) => new OrderedDictionary<object, object?>(),
        ("collections.OrderedDict", [List<object?> pairs]) => FromPairs(Paid(pairs, (long)pairs.Count * BytesAnEntry)),
        ("argparse.Namespace", []) => new PickledNamespace([]),
        ("_codecs.encode", [string text, "latin1"]) => Encoding.Latin1.GetBytes(Paid(text, text.Length)),
        ("torch.Size", [object?[] sizes]) => sizes,
        ("torch.device", [string kind, ..]) => kind,
        ("torch._utils._rebuild_tensor_v2", [TorchStorage storage, long offset, object?[] shape, object?[] strides, ..]) =>
            shape.Length > MostDimensions ? throw new InvalidDataException("a tensor has more dimensions than PyTorch allows") :
            storage.Bytes is null ? null : storage.View(offset, Longs(shape), Longs(strides), ref _copyBudget),
        ("torch._utils._rebuild_parameter", [var data, ..]) => data,
        ("numpy.dtype", [string code, ..]) => new NumpyType(code, BigEndian: false),
        ("numpy.core.multiarray.scalar" or "numpy._core.multiarray.scalar", [NumpyType type, byte[] bytes]) => Scalar(type, bytes),
        ("numpy.core.multiarray._reconstruct" or "numpy._core.multiarray._reconstruct", [PickleGlobal { Module: "numpy", Name: "ndarray" }, ..]) =>
            new PickledArray(),
        ("numpy.core.numeric._frombuffer" or "numpy._core.numeric._frombuffer", [byte[] bytes, NumpyType type, object?[] shape, "C"]) =>
            new PickledArray { Data = Elements(type, Longs(shape), bytes) },
        ("__builtin__.bytes", []) => Array.Empty<byte>(),
        _ => throw new InvalidDataException($"{global} stands there with arguments that make no sense"),
    };

    /// <summary>What giving an object its attributes stands for.</summary>
    public object? SetState(object? target, object? state)
    {
        switch (target, state)
        {
            case (PickledNamespace space, OrderedDictionary<object, object?> attributes):
                foreach (var (name, value) in Paid(attributes, (long)attributes.Count * BytesAnEntry))
                {
                    space.Values[name as string ?? throw new InvalidDataException("an attribute's name is not a text")] = value;
                }

                return space;
            case (OrderedDictionary<object, object?> or null, _):
                return target; // state_dict's _metadata: versions of modules
            case (NumpyType type, object?[] and [_, string order, ..]):
                return type with { BigEndian = order == ">" };
            case (PickledArray array, object?[] and [long, object?[] shape, NumpyType type, false, var elements]):
                array.Data = Elements(type, Longs(shape), elements);
                return array;
            default:
                throw new InvalidDataException("attributes are given to something that has none");
        }
    }

    /// <summary>What is about to be copied, if the budget is enough for as many bytes.</summary>
    private T Paid<T>(T value, long bytes)
    {
        _copyBudget -= bytes;
        return _copyBudget >= 0 ? value : throw new InvalidDataException("its objects would take far more memory than the file");
    }

    // A name in an error is for reading; a hostile file's may be of any length.
    private static string Shortened(string name) => name.Length <= MostShown ? name : name[..MostShown] + "...";

    private static OrderedDictionary<object, object?> FromPairs(List<object?> pairs)
    {
        var dictionary = new OrderedDictionary<object, object?>();
        foreach (object? pair in pairs)
        {
            (object key, object? value) = pair switch
            {
                List<object?> and [{ } k, var v] => (k, v),
                object?[] and [{ } k, var v] => (k, v),
                _ => throw new InvalidDataException("a dictionary's entry is not a pair"),
            };
            dictionary[key] = value;
        }

        return dictionary;
    }

    private static long[] Longs(object?[] values) =>
        [.. values.Select(v => v is long number ? number : throw new InvalidDataException("a tensor's size is not a number"))];

    /// <summary>A row-major array. Python 2 wrote its bytes as text, and Python 3 reads them only where they are ASCII.</summary>
    private ArrayData Elements(NumpyType type, long[] shape, object? elements)
    {
        ElementType element = type switch
        {
            { BigEndian: true } => throw new InvalidDataException("it holds big-endian numbers"),
            { Code: "f8" } => ElementType.Float64,
            { Code: "f4" } => ElementType.Float32,
            { Code: "i8" } => ElementType.Int64,
            { Code: "i4" } => ElementType.Int32,
            { Code: "i2" } => ElementType.Int16,
            { Code: "u1" } => ElementType.UInt8,
            _ => throw new InvalidDataException($"it holds a NumPy array of type {type.Code}, which is not supported"),
        };
        byte[] bytes = elements switch
        {
            byte[] raw => Paid(raw, raw.Length),
            string text => BytesOf(text, shape.Aggregate((long)element.Size(), (size, length) => checked(size * length))),
            _ => throw new InvalidDataException("it holds a NumPy array of objects, which is not supported"),
        };
        return new ArrayData(element, shape, bytes);
    }

    /// <summary>The bytes that were read as a text: a letter each if there are as many, and otherwise they happened to be UTF-8.</summary>
    private byte[] BytesOf(string text, long needed)
    {
        Encoding encoding = text.Length == needed && text.All(letter => letter <= byte.MaxValue) ? Encoding.Latin1 : Encoding.UTF8;
        return encoding.GetBytes(Paid(text, encoding.GetByteCount(text)));
    }

    private static object Scalar(NumpyType type, byte[] bytes)
    {
        if (type.BigEndian)
        {
            throw new InvalidDataException("it holds big-endian numbers");
        }

        return (type.Code, bytes.Length) switch
        {
            ("f8", 8) => BinaryPrimitives.ReadDoubleLittleEndian(bytes),
            ("f4", 4) => (double)BinaryPrimitives.ReadSingleLittleEndian(bytes),
            ("i8", 8) => BinaryPrimitives.ReadInt64LittleEndian(bytes),
            ("i4", 4) => (long)BinaryPrimitives.ReadInt32LittleEndian(bytes),
            ("b1", 1) => bytes[0] != 0,
            _ => throw new InvalidDataException($"it holds a NumPy number of type {type.Code}, which is not supported"),
        };
    }
}
