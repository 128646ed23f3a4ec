using System.Formats.Tar;
using DinoSharp.Tests;
using Parquet;
using Parquet.Schema;

namespace DinoSharp.Data.Tests;

/// <summary>Writes images into files of the kinds that hold many.</summary>
internal static class ImageArchives
{
    /// <summary>A tar archive of files, one after the other.</summary>
    public static byte[] Tar(TarEntryFormat format, params (string Name, byte[] Content)[] files)
    {
        using MemoryStream memory = new();
        using (TarWriter writer = new(memory, format, leaveOpen: true))
        {
            foreach ((string name, byte[] content) in files)
            {
                TarEntryType type = format == TarEntryFormat.V7 ? TarEntryType.V7RegularFile : TarEntryType.RegularFile;
                TarEntry entry = format switch
                {
                    TarEntryFormat.V7 => new V7TarEntry(type, name),
                    TarEntryFormat.Ustar => new UstarTarEntry(type, name),
                    TarEntryFormat.Gnu => new GnuTarEntry(type, name),
                    _ => new PaxTarEntry(type, name),
                };
                entry.DataStream = new MemoryStream(content);
                writer.WriteEntry(entry);
            }
        }

        return memory.ToArray();
    }

    /// <summary>A table as Hugging Face's datasets writes it: a struct of bytes and path, a label, and its classes' names.</summary>
    public static byte[] Parquet(
        IReadOnlyList<(string? Path, byte[]? Bytes, long Label)> rows,
        string[]? classes = null,
        int rowsInGroup = 4,
        CompressionMethod compression = CompressionMethod.Snappy)
    {
        DataField bytes = new("bytes", typeof(byte[]), true), path = new("path", typeof(string), true), label = new DataField<long>("label");
        ParquetSchema schema = new(new StructField("image", bytes, path), label);
        string names = string.Join(", ", (classes ?? []).Select(name => $"\"{name}\""));
        Dictionary<string, string> metadata = classes is null ? [] : new()
        {
            ["huggingface"] = $$"""
                {"info": {"features": {"image": {"_type": "Image"}, "label": {"names": [{{names}}], "_type": "ClassLabel"} } } }
                """,
        };
        return Write(schema, metadata, compression, rows.Chunk(rowsInGroup), async (group, chunk) =>
        {
            await group.WriteAsync(bytes, (IReadOnlyCollection<byte[]>)[.. chunk.Select(row => row.Bytes!)]);
            await group.WriteAsync(path, (IReadOnlyCollection<string>)[.. chunk.Select(row => row.Path!)]);
            await group.WriteAsync<long>(label, chunk.Select(row => row.Label).ToArray());
        });
    }

    /// <summary>A table of plain bytes, and of labels that are texts.</summary>
    public static byte[] PlainParquet(string column, params (byte[] Bytes, string Label)[] rows)
    {
        DataField bytes = new(column, typeof(byte[]), false), label = new("label", typeof(string), true);
        return Write(new ParquetSchema(bytes, label), [], CompressionMethod.Zstd, [rows], async (group, chunk) =>
        {
            await group.WriteAsync(bytes, (IReadOnlyCollection<byte[]>)[.. chunk.Select(row => row.Bytes)]);
            await group.WriteAsync(label, (IReadOnlyCollection<string>)[.. chunk.Select(row => row.Label)]);
        });
    }

    private static byte[] Write<T>(
        ParquetSchema schema,
        Dictionary<string, string> metadata,
        CompressionMethod compression,
        IEnumerable<T[]> groups,
        Func<ParquetRowGroupWriter, T[], Task> write)
    {
        using MemoryStream memory = new();
        WriteAsync().GetAwaiter().GetResult();
        return memory.ToArray();

        async Task WriteAsync()
        {
            await using ParquetWriter writer = await ParquetWriter.CreateAsync(schema, memory, new ParquetOptions { CompressionMethod = compression });
            writer.CustomMetadata = metadata;
            foreach (T[] chunk in groups)
            {
                using ParquetRowGroupWriter group = writer.CreateRowGroup();
                await write(group, chunk);
            }
        }
    }
}
