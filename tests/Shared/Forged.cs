using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using System.Text;

namespace DinoSharp.Tests;

/// <summary>Files put together by hand, as PyTorch would never write them.</summary>
internal static class Forged
{
    /// <summary>The few opcodes of Python's pickletools that the tests use, one after the other.</summary>
    public static byte[] Pickle(params object[] parts) =>
    [
        0x80, 2,
        .. parts.SelectMany(part => part switch
        {
            byte[] bytes => bytes,
            string opcodes => Encoding.Latin1.GetBytes(opcodes),
            _ => throw new ArgumentException($"{part}"),
        }),
        (byte)'.',
    ];

    /// <summary>The opcode that pushes a text.</summary>
    public static byte[] Text(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        return [(byte)'X', .. Int32(utf8.Length), .. utf8];
    }

    /// <summary>The opcode that pushes an integer.</summary>
    public static byte[] Integer(long value)
    {
        byte[] bytes = [0x8a, 8, .. new byte[8]];
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(2), value);
        return bytes;
    }

    /// <summary>A tensor that looks into the 16 bytes of data/0; everything about it can be a lie.</summary>
    public static byte[] Tensor(long offset, long[] shape, long[] strides, long count = 4, string key = "0") => Pickle(
        "ctorch._utils\n_rebuild_tensor_v2\n((", Text("storage"), "ctorch\nFloatStorage\n", Text(key), Text("cpu"), Integer(count), "tQ",
        Integer(offset), "(", shape.SelectMany(Integer).ToArray(), "t(", strides.SelectMany(Integer).ToArray(), "t\x89NtR")[2..^1];

    /// <summary>The zip format around a pickle.</summary>
    public static byte[] Zip(byte[] pickle, CompressionLevel level = CompressionLevel.NoCompression,
        params (string Name, byte[] Bytes)[] entries)
    {
        using var memory = new MemoryStream();
        using (var archive = new ZipArchive(memory, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, bytes) in entries.Prepend(("data.pkl", pickle)))
            {
                using var stream = archive.CreateEntry("archive/" + name, level).Open();
                stream.Write(bytes);
            }
        }

        return memory.ToArray();
    }

    /// <summary>A zip file whose many entries data/0, data/1, ... are all the same bytes.</summary>
    public static byte[] OverlappingZip(byte[] pickle, byte[] shared, int entries)
    {
        using var memory = new MemoryStream();
        var directory = new List<byte[]>();
        Local("archive/data.pkl", pickle);
        byte[] first = Local("archive/data/0", shared);
        for (int i = 1; i < entries; i++)
        {
            directory.Add(Named(first, $"archive/data/{i}"));
        }

        int start = (int)memory.Length;
        directory.ForEach(record => memory.Write(record));
        int length = (int)memory.Length - start;
        memory.Write(
            [.. "PK\x5\x6"u8, 0, 0, 0, 0, .. Int16(directory.Count), .. Int16(directory.Count), .. Int32(length), .. Int32(start), 0, 0]);
        return memory.ToArray();

        byte[] Local(string name, byte[] content)
        {
            int offset = (int)memory.Length;
            byte[] common = [20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0, .. Crc32.Hash(content), .. Int32(content.Length), .. Int32(content.Length)];
            memory.Write([.. "PK\x3\x4"u8, .. common, .. Int16(name.Length), 0, 0, .. Encoding.ASCII.GetBytes(name)]);
            memory.Write(content);
            byte[] record = [.. "PK\x1\x2"u8, 20, 0, .. common, 0, 0, .. new byte[12], .. Int32(offset)];
            directory.Add(Named(record, name));
            return record;
        }

        static byte[] Named(byte[] record, string name)
        {
            byte[] named = [.. record, .. Encoding.ASCII.GetBytes(name)];
            BinaryPrimitives.WriteInt16LittleEndian(named.AsSpan(28), (short)name.Length);
            return named;
        }
    }

    /// <summary>The older format around a pickle, with the memory of storages behind it.</summary>
    public static byte[] Legacy(byte[] pickle, byte[] behind) =>
    [
        .. Pickle(new byte[] { 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19 }),
        .. Pickle("M\xe9\x03"),
        .. Pickle("}", Text("little_endian"), "\x88s"),
        .. pickle,
        .. behind,
    ];

    /// <summary>The safetensors format around any header.</summary>
    public static byte[] Safetensors(byte[] header, int dataLength, long? claimed = null)
    {
        byte[] prefix = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(prefix, claimed ?? header.Length);
        return [.. prefix, .. header, .. new byte[dataLength]];
    }

    private static byte[] Int32(int value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return bytes;
    }

    private static byte[] Int16(int value) => Int32(value)[..2];
}
