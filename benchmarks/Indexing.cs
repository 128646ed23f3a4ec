using System.Diagnostics;
using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using DinoSharp.Data;

namespace DinoSharp.Benchmarks;

/// <summary>How long it takes to open a set of very many images, and what its index keeps in memory. The images are empty files.</summary>
internal static class Indexing
{
    private const int Classes = 1000;

    /// <param name="count">images, as in 1000000</param>
    public static void Run(int count)
    {
        string folder = Directory.CreateTempSubdirectory("dinosharp-index-").FullName;
        try
        {
            Console.WriteLine("| source | images | opened in, s | bytes an image |");
            Console.WriteLine("|---|---|---|---|");
            Open("list.csv", path => File.WriteAllLines(path, Names(count).Select(name => $"{name},{name[..9]}").Prepend("path,label")));
            Open("archive.zip", path =>
            {
                using var zip = ZipFile.Open(path, ZipArchiveMode.Create);
                foreach (string name in Names(count))
                {
                    zip.CreateEntry(name);
                }
            });
            Open("archive.tar", path =>
            {
                using TarWriter tar = new(File.Create(path));
                foreach (string name in Names(count))
                {
                    tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name));
                }
            });
            Open("folder", path =>
            {
                foreach (string name in Names(count))
                {
                    string file = Path.Combine(path, name);
                    Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                    File.Create(file).Dispose();
                }
            });
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        void Open(string name, Action<string> write)
        {
            string path = Path.Combine(folder, name);
            write(path);
            long before = GC.GetTotalMemory(forceFullCollection: true), start = Stopwatch.GetTimestamp();
            using var source = ImageSources.Open(path);
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            long kept = GC.GetTotalMemory(forceFullCollection: true) - before;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"| {name} | {source.Count:N0} | {seconds:F2} | {(double)kept / source.Count:F0} |"));
        }
    }

    /// <summary>Of ImageNet's form.</summary>
    private static IEnumerable<string> Names(int count) => Enumerable.Range(0, count).Select(
        i => string.Create(CultureInfo.InvariantCulture, $"n{1440000 + i % Classes:D8}/n{1440000 + i % Classes:D8}_{i:D8}.JPEG"));
}
