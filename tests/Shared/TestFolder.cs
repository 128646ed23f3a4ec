using System.IO.Compression;
using DinoSharp.Imaging;

namespace DinoSharp.Tests;

/// <summary>A folder of test files that goes when the test ends.</summary>
internal sealed class TestFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("dinosharp-").FullName;

    public static string Fixture(string name) => System.IO.Path.Combine(AppContext.BaseDirectory, "fixtures", name);

    public static PixelImage FixtureImage(string name) => ImageDecoder.Load(Fixture(name));

    /// <summary>A PNG of noise, other for each shade.</summary>
    public static byte[] Png(int shade, int width = 20, int height = 15)
    {
        using PixelImage image = new(width, height);
        new Random(shade).NextBytes(image.Pixels);
        return PngWriter.Encode(image);
    }

    /// <summary>As many noisy images as asked for, named 000.png and so on.</summary>
    public static TestFolder OfImages(int count)
    {
        TestFolder folder = new();
        for (int i = 0; i < count; i++)
        {
            folder.Write($"{i:D3}.png", Png(i));
        }

        return folder;
    }

    /// <summary>A file, its folders included; an image unless told otherwise.</summary>
    public string Write(string name, byte[]? content = null)
    {
        string path = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, content ?? Png(1));
        return path;
    }

    public string WriteText(string name, string text) => Write(name, System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>An archive of images, one a name.</summary>
    public string WriteZip(string name, CompressionLevel level, params string[] images)
    {
        string path = System.IO.Path.Combine(Path, name);
        using ZipArchive zip = ZipFile.Open(path, ZipArchiveMode.Create);
        foreach ((int i, string image) in images.Index())
        {
            using Stream entry = zip.CreateEntry(image, level).Open();
            entry.Write(Png(i));
        }

        return path;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
