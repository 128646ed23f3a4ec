using DinoSharp.Imaging;

namespace DinoSharp.Data.Tests;

/// <summary>What is asked of every source.</summary>
internal static class SourceChecks
{
    /// <summary>Names and classes, "a.png=cat b.png=dog", with "-" for an image without a class.</summary>
    public static string Describe(IImageSource source) => string.Join(' ', Enumerable.Range(0, source.Count)
        .Select(i => $"{source.NameOf(i)}={(source.LabelOf(i) < 0 ? "-" : source.Classes[source.LabelOf(i)])}"));

    /// <summary>The classes alone.</summary>
    public static string[] ClassOfEach(IImageSource source) =>
        [.. Enumerable.Range(0, source.Count).Select(i => source.Classes[source.LabelOf(i)])];

    /// <summary>An image's pixels, loaded on its own.</summary>
    public static byte[] Pixels(IImageSource source, int index)
    {
        using PixelImage image = source.Load(index, new());
        return image.Pixels.ToArray();
    }

    /// <summary>Pixels of all images, read run by run, front to back.</summary>
    public static List<byte[]> Streamed(IImageSource source)
    {
        IStreamedSource streamed = Assert.IsType<IStreamedSource>(source, exactMatch: false);
        List<byte[]> pixels = [];
        for (int run = 0; run < streamed.RunStarts.Count; run++)
        {
            int end = run + 1 < streamed.RunStarts.Count ? streamed.RunStarts[run + 1] : streamed.Count;
            using IRunReader reader = streamed.OpenRun(run);
            for (int i = streamed.RunStarts[run]; i < end; i++)
            {
                using EncodedImage encoded = reader.Read(i);
                using PixelImage image = encoded.Decode(new());
                Assert.EndsWith(encoded.Name, source.NameOf(i)); // in several joined, without the prefix of its own
                pixels.Add(image.Pixels.ToArray());
            }
        }

        return pixels;
    }

    /// <summary>
    /// Reading in runs and at random gives the same images, and so does reading by many threads at once; the file of each is there.
    /// </summary>
    public static void AssertReadsAlike(IImageSource source, bool isStreamed)
    {
        byte[][] alone = [.. Enumerable.Range(0, source.Count).Select(i => Pixels(source, i))];
        Parallel.For(0, source.Count * 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
            Assert.True(alone[i * 5 % source.Count].AsSpan().SequenceEqual(Pixels(source, i * 5 % source.Count))));
        Assert.All(Enumerable.Range(0, source.Count), i => Assert.True(File.Exists(source.FileOf(i)), source.NameOf(i)));
        Assert.Equal(isStreamed, source is IStreamedSource);
        if (isStreamed)
        {
            Assert.Equal(alone, Streamed(source));
        }
    }

    /// <summary>Opening fails with one line that names the path and the reason.</summary>
    public static void AssertRefused(string path, string reason, string? split = null)
    {
        string message = Assert.Throws<ImageSourceException>(() => ImageSources.Open(path, split)).Message;
        Assert.Contains(reason, message);
        Assert.DoesNotContain('\n', message);
    }

    /// <summary>
    /// Damages a file in as many ways and reads what is left of it, in runs and at random. It may be refused, or an image may, by one line;
    /// nothing else may come to pass, nor may memory be taken for what it only declares.
    /// </summary>
    /// <param name="path">The file to damage.</param>
    /// <param name="opened">What is opened, if not the file itself.</param>
    /// <param name="whole">The file undamaged.</param>
    /// <param name="flips">How many times bytes of it are changed.</param>
    /// <param name="cutEvery">It is cut off at every so many bytes.</param>
    /// <param name="mostBytes">How much memory it may take at most.</param>
    public static void AssertSurvivesDamage(string path, string? opened, byte[] whole, int flips, int cutEvery, long mostBytes)
    {
        Random random = new(0);
        List<byte[]> damaged = [];
        for (int length = 0; length < whole.Length; length += cutEvery)
        {
            damaged.Add(whole[..length]);
        }

        for (int trial = 0; trial < flips; trial++)
        {
            byte[] copy = [.. whole];
            for (int i = 0; i <= trial % 3; i++)
            {
                copy[random.Next(copy.Length)] = (byte)random.Next(256);
            }

            damaged.Add(copy);
        }

        foreach (byte[] bytes in damaged)
        {
            File.WriteAllBytes(path, bytes);
            long before = GC.GetTotalAllocatedBytes();
            Task reading = Task.Run(() => ReadWhatIsLeft(opened ?? path), TestContext.Current.CancellationToken);
            Assert.True(reading.Wait(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken), "it hangs");
            Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, mostBytes);
        }
    }

    private static void ReadWhatIsLeft(string path)
    {
        try
        {
            using IImageSource source = ImageSources.Open(path);
            for (int i = 0; i < source.Count; i++)
            {
                TryRead(() => source.Load(i, new()).Dispose());
            }

            for (int run = 0; source is IStreamedSource streamed && run < streamed.RunStarts.Count; run++)
            {
                using IRunReader reader = streamed.OpenRun(run);
                TryRead(() => reader.Read(streamed.RunStarts[run]).Dispose());
            }
        }
        catch (ImageSourceException error)
        {
            Assert.DoesNotContain('\n', error.Message);
        }

        static void TryRead(Action read)
        {
            try
            {
                read();
            }
            catch (ImageFormatException error)
            {
                Assert.DoesNotContain('\n', error.Message);
            }
        }
    }
}
