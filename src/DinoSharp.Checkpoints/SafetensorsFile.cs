using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace DinoSharp.Checkpoints;

/// <summary>
/// The safetensors format: 8 bytes with the length of a JSON header, the header (type, shape, place of each tensor), then all bytes.
/// </summary>
public static class SafetensorsFile
{
    private const string Metadata = "__metadata__";
    private const long MaxHeader = 100_000_000; // the format's own limit
    private const int Alignment = 8;

    private static readonly Dictionary<string, ElementType> Types = new(StringComparer.Ordinal)
    {
        ["F32"] = ElementType.Float32,
        ["F64"] = ElementType.Float64,
        ["F16"] = ElementType.Float16,
        ["BF16"] = ElementType.BFloat16,
        ["I64"] = ElementType.Int64,
        ["I32"] = ElementType.Int32,
        ["I16"] = ElementType.Int16,
        ["I8"] = ElementType.Int8,
        ["U8"] = ElementType.UInt8,
        ["BOOL"] = ElementType.Bool,
    };

    /// <summary>All tensors of a file.</summary>
    /// <exception cref="CheckpointException">One line: the file is missing or damaged.</exception>
    public static NamedArrays Read(string path) => Read(path, out _);

    /// <summary>All tensors of a file and the texts that stand with them.</summary>
    /// <exception cref="CheckpointException">One line: the file is missing or damaged.</exception>
    public static NamedArrays Read(string path, out IReadOnlyDictionary<string, string> metadata)
    {
        (var arrays, metadata) = Open(path, file =>
        {
            var (entries, texts) = Header(file);
            return (Tensors(file, entries), texts);
        });
        return arrays;
    }

    /// <summary>The texts of a file alone; its tensors are not looked at.</summary>
    /// <exception cref="CheckpointException">One line: the file is missing or its header damaged.</exception>
    public static IReadOnlyDictionary<string, string> ReadTexts(string path) => Open(path, file => Header(file).Texts);

    /// <summary>Writes a file, whole or not at all.</summary>
    /// <exception cref="CheckpointException">One line: the place cannot be written.</exception>
    public static void Write(string path, NamedArrays arrays, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var header = new JsonObject();
        if (metadata is { Count: > 0 })
        {
            header[Metadata] = new JsonObject(metadata.Select(m => KeyValuePair.Create(m.Key, (JsonNode?)m.Value)));
        }

        long offset = 0;
        foreach (var (name, array) in arrays)
        {
            header[name] = new JsonObject
            {
                ["dtype"] = Types.First(t => t.Value == array.Type).Key,
                ["shape"] = new JsonArray([.. array.Shape.Select(s => (JsonNode)s)]),
                ["data_offsets"] = new JsonArray(offset, offset + array.Bytes.Length),
            };
            offset += array.Bytes.Length;
        }

        byte[] json = JsonSerializer.SerializeToUtf8Bytes(header);
        int padding = (Alignment - (json.Length % Alignment)) % Alignment;
        AtomicFile.Write(path, stream =>
        {
            Span<byte> length = stackalloc byte[sizeof(long)];
            BinaryPrimitives.WriteInt64LittleEndian(length, json.Length + padding);
            stream.Write(length);
            stream.Write(json);
            stream.Write("        "u8[..padding]);
            foreach (var (_, array) in arrays)
            {
                stream.Write(array.Bytes.Span);
            }
        });
    }

    private static T Open<T>(string path, Func<FileStream, T> read)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 20);
            return read(file);
        }
        catch (Exception cause) when (cause is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CheckpointException($"{path}: no such file", cause);
        }
        catch (OverflowException cause)
        {
            throw new CheckpointException(
                $"{path}: not a readable safetensors file: a tensor's shape is of more elements than any memory has", cause);
        }
        catch (Exception cause) when (cause is InvalidDataException or EndOfStreamException or JsonException)
        {
            throw new CheckpointException($"{path}: not a readable safetensors file: {cause.Message.TrimEnd('.')}", cause);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{path}: cannot be read ({cause.Message.TrimEnd('.')})", cause);
        }
    }

    /// <summary>Reads the header; the file is then where its tensors begin.</summary>
    private static (List<Entry> Entries, Dictionary<string, string> Texts) Header(FileStream file)
    {
        Span<byte> prefix = stackalloc byte[sizeof(long)];
        file.ReadExactly(prefix);
        long headerLength = BinaryPrimitives.ReadInt64LittleEndian(prefix);
        if (headerLength is < 2 or > MaxHeader || headerLength > file.Length - sizeof(long))
        {
            throw new InvalidDataException("its header is longer than the file or the format allows");
        }

        byte[] json = new byte[headerLength];
        file.ReadExactly(json);
        using var header = JsonDocument.Parse(json);
        return header.RootElement.ValueKind == JsonValueKind.Object
            ? Describe(header.RootElement)
            : throw new InvalidDataException("its header is not a JSON object");
    }

    private static (List<Entry> Entries, Dictionary<string, string> Texts) Describe(JsonElement header)
    {
        var (entries, texts) = (new List<Entry>(), new Dictionary<string, string>(StringComparer.Ordinal));
        try
        {
            foreach (var property in header.EnumerateObject())
            {
                string name = property.Name;
                if (name == Metadata)
                {
                    foreach (var text in property.Value.EnumerateObject())
                    {
                        texts[text.Name] = text.Value.GetString() ?? throw new InvalidDataException($"its text {text.Name} is null");
                    }
                }
                else
                {
                    entries.Add(Entry.Parse(name, property.Value));
                }
            }
        }
        catch (InvalidOperationException cause)
        {
            // A name that is no valid UTF-8, or texts that are none.
            throw new InvalidDataException("its header holds other things than names, texts and tensors", cause);
        }

        return (entries, texts);
    }

    /// <summary>Reads the tensors; they must fill the rest of the file without gap or overlap, as the format demands.</summary>
    private static NamedArrays Tensors(FileStream file, List<Entry> entries)
    {
        long position = 0, dataStart = file.Position;
        var bytes = new Dictionary<string, ArrayData>(StringComparer.Ordinal);
        foreach (var entry in entries.OrderBy(e => e.Begin).ThenBy(e => e.End))
        {
            if (entry.Begin != position || entry.End < entry.Begin || entry.End > file.Length - dataStart ||
                entry.End - entry.Begin > Array.MaxLength)
            {
                throw new InvalidDataException($"tensor {entry.Name} does not lie where the file has its bytes");
            }

            byte[] data = GC.AllocateUninitializedArray<byte>((int)(entry.End - entry.Begin));
            file.ReadExactly(data);
            bytes[entry.Name] = entry.ToArray(data);
            position = entry.End;
        }

        if (position != file.Length - dataStart)
        {
            throw new InvalidDataException("bytes are left over at its end");
        }

        var arrays = new NamedArrays();
        foreach (var entry in entries)
        {
            arrays.Add(entry.Name, bytes[entry.Name]);
        }

        return arrays;
    }

    private sealed record Entry(string Name, ElementType Type, long[] Shape, long Begin, long End)
    {
        public static Entry Parse(string name, JsonElement value)
        {
            try
            {
                string type = value.GetProperty("dtype").GetString() ?? "null";
                long[] shape = Numbers(value.GetProperty("shape"));
                if (!Types.TryGetValue(type, out var element))
                {
                    throw new InvalidDataException($"tensor {name} is of type {type}, which is not supported");
                }

                return Numbers(value.GetProperty("data_offsets")) is [var begin, var end]
                    ? new Entry(name, element, shape, begin, end)
                    : throw new FormatException("two offsets are needed");
            }
            catch (Exception cause) when (cause is KeyNotFoundException or InvalidOperationException or FormatException)
            {
                throw new InvalidDataException($"tensor {name} is not described as the format demands", cause);
            }
        }

        private static long[] Numbers(JsonElement array) => [.. array.EnumerateArray().Select(n => n.GetInt64())];

        public ArrayData ToArray(byte[] data)
        {
            try
            {
                return new ArrayData(Type, Shape, data);
            }
            catch (ArgumentException cause)
            {
                throw new InvalidDataException($"tensor {Name} has another size than its shape says", cause);
            }
        }
    }
}
