namespace DinoSharp.Data;

/// <summary>A labelled set in two parts: images to learn or compare from, and images held out to test on.</summary>
/// <param name="Train">what is compared with</param>
/// <param name="Test">what is tested</param>
public sealed record HeldOut(IImageSource Train, IImageSource Test) : IDisposable
{
    /// <summary>One image in so many is tested where the data has no split for it.</summary>
    private const int TestEvery = 5;

    private static readonly string[] TestSplits = ["test", "val"];

    /// <summary>What both parts are chosen from, where neither owns it.</summary>
    private IImageSource? Whole { get; init; }

    /// <summary>Opens a set with its own labelled test or val split, or holds out every fifth image of one without.</summary>
    /// <exception cref="ImageSourceException">There is nothing usable at the path, no label, or too few images to hold any out.</exception>
    public static HeldOut Open(string path)
    {
        var train = OpenLabelled(path);
        try
        {
            foreach (string split in TestSplits)
            {
                if (TryOpenLabelled(path, split) is { } test)
                {
                    return new HeldOut(train, test);
                }
            }

            return train.Count >= TestEvery
                ? new HeldOut(
                    SubsetSource.InOrder(train, Indices(train, tested: false)), SubsetSource.InOrder(train, Indices(train, tested: true)))
                {
                    Whole = train,
                }
                : throw new ImageSourceException(
                    path, $"{train.Count} images are too few to hold out one in {TestEvery}; add images, or give test images apart");
        }
        catch
        {
            train.Dispose();
            throw;
        }
    }

    /// <summary>Opens two sets that lie apart.</summary>
    /// <exception cref="ImageSourceException">There is nothing usable at a path, or it has no labels.</exception>
    public static HeldOut Open(string trainPath, string testPath)
    {
        var train = OpenLabelled(trainPath);
        try
        {
            return new HeldOut(train, OpenLabelled(testPath));
        }
        catch
        {
            train.Dispose();
            throw;
        }
    }

    /// <summary>Opens the part of a set that <see cref="Open(string)"/> does not test on.</summary>
    /// <returns>the caller's to dispose</returns>
    /// <exception cref="ImageSourceException">There is nothing usable at the path, no label, or too few images to hold any out.</exception>
    public static IImageSource OpenTrain(string path)
    {
        bool hasSplits;
        using (var sets = Open(path))
        {
            hasSplits = sets.Whole is null;
        }

        var whole = OpenLabelled(path);
        return hasSplits ? whole : SubsetSource.InOrder(whole, Indices(whole, tested: false), ownsWhole: true);
    }

    public void Dispose()
    {
        Train.Dispose();
        Test.Dispose();
        Whole?.Dispose();
    }

    private static int[] Indices(IImageSource whole, bool tested) =>
        [.. Enumerable.Range(0, whole.Count).Where(i => i % TestEvery == TestEvery - 1 == tested)];

    private static IImageSource OpenLabelled(string path)
    {
        var source = ImageSources.Open(path);
        if (source.Classes.Count > 0)
        {
            return source;
        }

        source.Dispose();
        throw new ImageSourceException(
            path, "its images have no labels; give class folders (CLASS/*.jpg) or a .csv with the columns path and label");
    }

    private static IImageSource? TryOpenLabelled(string path, string split)
    {
        try
        {
            var source = ImageSources.Open(path, split);
            if (source.Classes.Count > 0)
            {
                return source;
            }

            source.Dispose();
            return null;
        }
        catch (ImageSourceException)
        {
            return null; // the path itself is good: it was opened before
        }
    }
}
