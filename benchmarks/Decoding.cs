using System.Globalization;
using DinoSharp.Benchmarks.Views;
using DinoSharp.Imaging;

namespace DinoSharp.Benchmarks;

/// <summary>The two JPEG codecs on one thread, from memory, whole and reduced.</summary>
internal static class Decoding
{
    private const int MostImages = 300;
    private const int Rounds = 9;

    /// <param name="archive">a folder or zip of JPEG files</param>
    public static void Run(string archive)
    {
        byte[][] files = [.. EncodedImages.Read(archive).Take(MostImages)];
        Console.WriteLine($"{files.Length} files of {files.Average(file => file.Length) / 1000:F0} kB; {ImageDecoder.JpegCodec}");
        foreach (int divisor in (int[])[1, 2, 4, 8])
        {
            var options = new DecodeOptions { Reduction = (_, _) => divisor };
            Console.WriteLine($"at 1/{divisor}, {files.Count(file => IsSame(file, options))} give the same pixels without TurboJPEG");
        }

        Console.WriteLine("| codec, channels, scale | im/s | bytes of the managed heap an image |");
        Console.WriteLine("|---|---|---|");
        (string Name, Action Decode)[] variants =
        [
            .. from channels in (int[])[3, 1]
               from divisor in (int[])[1, 2]
               from turbo in (bool[])[false, true]
               let name = $"{(turbo ? ImageDecoder.JpegCodec : "SkiaSharp")}, {channels}, 1/{divisor}"
               select (name, DecodeAll(files, channels, divisor, turbo)),
        ];
        double[] seconds = Measure.InTurns(Rounds, [.. variants.Select(variant => variant.Decode)]);
        for (int i = 0; i < variants.Length; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            variants[i].Decode();
            long each = (GC.GetAllocatedBytesForCurrentThread() - before) / files.Length;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {variants[i].Name} | {files.Length / seconds[i]:F0} | {each} |"));
        }
    }

    private static bool IsSame(byte[] file, DecodeOptions options)
    {
        using var first = ImageDecoder.Decode(file, "photograph", options);
        using var second = ImageDecoder.Decode(file, "photograph", options, useTurbo: false);
        return (first.Width, first.Height) == (second.Width, second.Height) && first.Pixels.SequenceEqual(second.Pixels);
    }

    private static Action DecodeAll(byte[][] files, int channels, int divisor, bool turbo)
    {
        var options = new DecodeOptions { Channels = channels, Reduction = divisor == 1 ? null : (_, _) => divisor };
        return () =>
        {
            foreach (byte[] file in files)
            {
                ImageDecoder.Decode(file, "photograph", options, turbo).Dispose();
            }
        };
    }
}
