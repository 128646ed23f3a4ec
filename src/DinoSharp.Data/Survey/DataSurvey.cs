using System.Collections.Concurrent;
using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>What is in a source, all of whose images were decoded once.</summary>
public sealed class DataSurvey
{
    private readonly (int Width, int Height)[] _sizes;

    private DataSurvey(IImageSource source, (int Width, int Height)[] sizes, FaultLog faults)
    {
        _sizes = sizes;
        Faults = faults.Faults;
        Usable = [.. Enumerable.Range(0, source.Count).Where(i => sizes[i].Width > 0)];
        ShorterSides = [.. Usable.Select(i => Math.Min(sizes[i].Width, sizes[i].Height)).Order()];
    }

    /// <summary>The images that can be used, by index.</summary>
    public IReadOnlyList<int> Usable { get; }

    /// <summary>The usable images' shorter sides in pixels, rising.</summary>
    public IReadOnlyList<int> ShorterSides { get; }

    /// <summary>The median of the shorter sides in pixels; 0 if no image can be used.</summary>
    public int MedianSide => ShorterSides.Count == 0 ? 0 : ShorterSides[ShorterSides.Count / 2];

    /// <summary>The images that cannot be used, and why.</summary>
    public IReadOnlyList<Fault> Faults { get; }

    /// <summary>Images of equal pixels, group by group.</summary>
    public required IReadOnlyList<int[]> ExactDuplicates { get; init; }

    /// <summary>Images that look alike, equal ones included, group by group.</summary>
    public required IReadOnlyList<int[]> NearDuplicates { get; init; }

    /// <summary>Width and height in pixels of a usable image.</summary>
    public (int Width, int Height) SizeOf(int index) => _sizes[index];

    /// <summary>Decodes every image of a source.</summary>
    /// <param name="source">Stays the caller's to dispose.</param>
    /// <param name="options">Its decoding, and the number of threads.</param>
    /// <param name="progress">Told the number of images done.</param>
    /// <param name="stop">Ends it early, with an <see cref="OperationCanceledException"/>.</param>
    public static DataSurvey Of(IImageSource source, LoaderOptions options, Action<int>? progress = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(options);
        var sizes = new (int Width, int Height)[source.Count];
        var pixels = new UInt128[source.Count];
        var hashes = new PictureHash?[source.Count];
        FaultLog faults = new();
        DecodeOptions decoding = options.Decoding with { Reduction = null };
        int done = 0;
        ParallelOptions threads = new() { MaxDegreeOfParallelism = options.Threads, CancellationToken = stop };
        if (source is IStreamedSource streamed)
        {
            // Read in turns, each run once, and looked at in parallel.
            Parallel.ForEach(
                Partitioner.Create(FrontToBack(streamed), EnumerablePartitionerOptions.NoBuffering),
                threads,
                next => Note(next.Index, faults.TryTake(source, next.Index, next.Arrival.Take, decoding)));
        }
        else
        {
            Parallel.For(0, source.Count, threads, i => Note(i, faults.TryLoad(source, i, decoding)));
        }

        IEnumerable<int> usable = Enumerable.Range(0, source.Count).Where(i => sizes[i].Width > 0);
        return new DataSurvey(source, sizes, faults)
        {
            ExactDuplicates = [.. usable.GroupBy(i => pixels[i]).Where(group => group.Skip(1).Any()).Select(group => group.ToArray())],
            NearDuplicates = Data.NearDuplicates.Groups(hashes),
        };

        void Note(int index, PixelImage? image)
        {
            using (image)
            {
                if (image is not null)
                {
                    sizes[index] = (image.Width, image.Height);
                    pixels[index] = PictureHash.OfPixels(image);
                    hashes[index] = PictureHash.Of(image);
                }
            }

            progress?.Invoke(Interlocked.Increment(ref done));
        }
    }

    private static IEnumerable<(int Index, Arrival Arrival)> FrontToBack(IStreamedSource source)
    {
        using RunCursor cursor = new(source);
        for (int i = 0; i < source.Count; i++)
        {
            yield return (i, cursor.Read(i));
        }
    }
}
