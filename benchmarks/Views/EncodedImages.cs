using System.IO.Compression;

namespace DinoSharp.Benchmarks.Views;

/// <summary>The first images of a folder or zip archive, in the order of their names, as they are encoded.</summary>
internal static class EncodedImages
{
    private const int Most = 1000;

    private static readonly string[] Endings = [".jpg", ".jpeg", ".png"];

    public static IReadOnlyList<byte[]> Read(string path)
    {
        if (Directory.Exists(path))
        {
            var files = Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Where(IsImage).Order(StringComparer.Ordinal);
            return NotEmpty(path, [.. files.Take(Most).Select(File.ReadAllBytes)]);
        }

        using var archive = ZipFile.OpenRead(path);
        var entries = archive.Entries.Where(entry => IsImage(entry.FullName)).OrderBy(entry => entry.FullName, StringComparer.Ordinal);
        return NotEmpty(path, [.. entries.Take(Most).Select(Read)]);
    }

    private static bool IsImage(string name) => Endings.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase);

    private static byte[] Read(ZipArchiveEntry entry)
    {
        using var stream = entry.Open();
        byte[] bytes = new byte[entry.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static byte[][] NotEmpty(string path, byte[][] images) =>
        images.Length > 0 ? images : throw new InvalidOperationException($"{path}: no JPEG or PNG files");
}
