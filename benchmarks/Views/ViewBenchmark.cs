using System.Globalization;
using DinoSharp.Imaging;

namespace DinoSharp.Benchmarks.Views;

/// <summary>
/// From encoded bytes in memory to normalised batches: how fast, beside torchvision where there is one, and where the time goes.
/// </summary>
internal static class ViewBenchmark
{
    private const int Rounds = 7;
    private const int Steps = 100_000_000;

    public static void Run(string path, ViewKind kind)
    {
        var images = EncodedImages.Read(path);
        using ViewWork work = new(kind), left = new(kind), right = new(kind);
        using ViewProfile profile = new(kind, images);
        using var peer = TorchvisionPeer.TryStart(kind.Name, images);
        Write($"{Path.GetFileName(path)}: {images.Count} images, {kind.Name}, {string.Join(" + ", kind.Resolutions.Select(r => $"{r.Count}x{r.Side}"))}");
        Write($"torchvision: {peer?.Version ?? "none found (PYTHON names a Python that has it), so this library alone"}\n");

        // Round by round, so that all of them see the same machine.
        List<IReadOnlyList<(string Name, double Seconds)>> profiles = [];
        List<double> allocated = [];
        double[][] seconds = Measure.Rounds(
            Rounds,
            () => Measure.Seconds(() => Decode(images)),
            () => Measure.Seconds(() => allocated.Add(Allocated(() => OnOneThread(images, work)))),
            () => Measure.Seconds(() => OnTwoThreads(images, left, right)),
            () => Measure.Seconds(() => profiles.Add(profile.Round())),
            () => peer?.Round("decode") ?? double.NaN,
            () => peer?.Round("round") ?? double.NaN,
            () => Measure.Seconds(() => Count(Steps)),
            () => Measure.Seconds(() => OnTwoThreads(() => Count(Steps / 2), () => Count(Steps / 2))));
        double[] medians = [.. seconds.Select(Measure.Median)];
        double decoding = medians[0], all = medians[1], threads = Measure.Median(Ratios(seconds[1], seconds[2]));

        Write($"| | decoding alone, im/s | all, im/s |\n|---|---|---|");
        Write($"| DinoSharp | {images.Count / decoding:F0} | {images.Count / all:F0} |");
        if (peer is not null)
        {
            Write($"| torchvision | {images.Count / medians[4]:F0} | {images.Count / medians[5]:F0} |");
            Write($"| ratio | {Measure.Median(Ratios(seconds[4], seconds[0])):F1} | {Measure.Median(Ratios(seconds[5], seconds[1])):F1} |");
        }

        Write($"\nOf the rate of decoding alone, everything together reaches {decoding / all * 100:F0} %.");
        double free = Measure.Median(Ratios(seconds[6], seconds[7]));
        Write($"Two threads are {threads:F2} times as fast as one; of mere counting, which is what the machine has free, {free:F2} times.");
        Write($"Managed memory allocated: {Measure.Median([.. allocated.Skip(1)]) / images.Count:F0} bytes an image.");
        WriteProfile(profiles, images.Count);
    }

    private static void Decode(IReadOnlyList<byte[]> images)
    {
        foreach (byte[] image in images)
        {
            ImageDecoder.Decode(image, "image", ViewWork.Decoding).Dispose();
        }
    }

    private static void OnOneThread(IReadOnlyList<byte[]> images, ViewWork work)
    {
        int taken = 0;
        work.Run(images, ref taken);
    }

    private static void OnTwoThreads(IReadOnlyList<byte[]> images, ViewWork left, ViewWork right)
    {
        int taken = 0;
        OnTwoThreads(() => left.Run(images, ref taken), () => right.Run(images, ref taken));
    }

    private static void OnTwoThreads(Action first, Action second)
    {
        Thread other = new(() => second());
        other.Start();
        first();
        other.Join();
    }

    /// <summary>Work that needs a processor and nothing else.</summary>
    private static void Count(int steps)
    {
        ulong state = (ulong)steps;
        for (int i = 0; i < steps; i++)
        {
            state = (state ^ (state >> 7)) * 0x9E3779B97F4A7C15;
        }

        GC.KeepAlive(state);
    }

    private static double Allocated(Action action)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static double[] Ratios(double[] upper, double[] lower) => [.. upper.Zip(lower, (a, b) => a / b)];

    private static void WriteProfile(List<IReadOnlyList<(string Name, double Seconds)>> profiles, int images)
    {
        Write($"\n| operation | µs an image | share |\n|---|---|---|");
        var rows = profiles.Skip(1).SelectMany(profile => profile).GroupBy(operation => operation.Name)
            .Select(group => (Name: group.Key, Seconds: Measure.Median([.. group.Select(operation => operation.Seconds)])))
            .OrderByDescending(row => row.Seconds).ToList();
        double sum = rows.Sum(row => row.Seconds);
        foreach (var (name, seconds) in rows)
        {
            Write($"| {name} | {seconds / images * 1e6:F1} | {seconds / sum * 100:F0} % |");
        }

        Write($"| together | {sum / images * 1e6:F1} | |");
    }

    private static void Write(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
