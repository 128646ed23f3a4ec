using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using ImageMagick;
using NetVips;
using OpenCvSharp;
using SkiaSharp;

// dotnet run -c Release --project benchmarks/Codecs -- PHOTOGRAPHS.zip
// How fast the codecs of the package registry decode JPEG files to 8-bit RGB, one thread, from memory; rounds take turns, medians are told.
const int Rounds = 7;
byte[][] files = ReadJpegs(args[0]);
NetVips.NetVips.Concurrency = 1;
Cache.Max = 0;
Cv2.SetNumThreads(1);
(string Name, Action<byte[]> Decode)[] codecs = [("SkiaSharp", Skia), ("NetVips", Vips), ("OpenCvSharp", OpenCv), ("Magick.NET", Magick)];
double[][] seconds = [.. codecs.Select(_ => new double[Rounds])];
for (int round = -1; round < Rounds; round++)
{
    for (int i = 0; i < codecs.Length; i++)
    {
        long start = Stopwatch.GetTimestamp();
        Array.ForEach(files, codecs[i].Decode);
        if (round >= 0)
        {
            seconds[i][round] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }
}

Console.WriteLine($"{files.Length} files of {files.Average(file => file.Length) / 1000:F0} kB\n| codec | im/s |\n|---|---|");
foreach (((string name, _), double[] times) in codecs.Zip(seconds))
{
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {files.Length / times.Order().ElementAt(Rounds / 2):F0} |"));
}

static byte[][] ReadJpegs(string path)
{
    using ZipArchive zip = ZipFile.OpenRead(path);
    return
    [
        .. zip.Entries.Where(entry => Path.GetExtension(entry.Name).ToLowerInvariant() is ".jpg" or ".jpeg").Take(300).Select(entry =>
        {
            byte[] bytes = new byte[entry.Length];
            using Stream stream = entry.Open();
            stream.ReadExactly(bytes);
            return bytes;
        }),
    ];
}

static unsafe void Skia(byte[] file)
{
    fixed (byte* bytes = file)
    {
        using SKData data = SKData.Create((nint)bytes, file.Length);
        using SKCodec codec = SKCodec.Create(data);
        SKImageInfo info = new(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, SKAlphaType.Opaque, colorspace: null);
        byte[] pixels = ArrayPool<byte>.Shared.Rent(info.BytesSize);
        fixed (byte* target = pixels)
        {
            codec.GetPixels(info, (nint)target);
        }

        ArrayPool<byte>.Shared.Return(pixels);
    }
}

static void Vips(byte[] file)
{
    using Image image = Image.JpegloadBuffer(file, access: Enums.Access.Sequential);
    using Image pixels = image.CopyMemory();
}

static void OpenCv(byte[] file)
{
    using Mat pixels = Cv2.ImDecode(file, ImreadModes.Color | ImreadModes.IgnoreOrientation);
}

static void Magick(byte[] file)
{
    using MagickImage image = new(file);
    using IUnsafePixelCollection<byte> pixels = image.GetPixelsUnsafe();
    _ = pixels.GetAreaPointer(0, 0, image.Width, image.Height);
}
