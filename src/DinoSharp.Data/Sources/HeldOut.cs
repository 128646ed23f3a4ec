namespace DinoSharp.Data;

/// <summary>A labelled set in two parts: images to learn or compare from, and images held out to test on.</summary>
/// <param name="Train">what is compared with</param>
/// <param name="Test">what is tested</param>
public sealed record HeldOut(IImageSource Train, IImageSource Test) : IDisposable
{
    /// <summary>One image in so many is tested where the data has no split for it.</summary>
    private const int TestEvery = 5;

    private static readonly string[] TestSplits = ["test", "val"];

    /// <summary>Opens a set with its own test or val split, or holds out every fifth image of one without.</summary>
    /// <exception cref="ImageSourceException">There is nothing usable at the path, or it has no labels.</exception>
    public static HeldOut Open(string path)
    {
        var train = ImageSources.Open(path);
        if (train.Classes.Count == 0)
        {
            train.Dispose();
            throw new ImageSourceException(path, "its images have no labels; give class folders (CLASS/*.jpg) or a .csv with the columns path and label");
        }

        foreach (string split in TestSplits)
        {
            if (TryOpen(path, split) is { } test)
            {
                return new HeldOut(train, test);
            }
        }

        return new HeldOut(
            new SubsetSource(train, [.. Enumerable.Range(0, train.Count).Where(i => i % TestEvery != TestEvery - 1)]),
            new SubsetSource(train, [.. Enumerable.Range(0, train.Count).Where(i => i % TestEvery == TestEvery - 1)]));
    }

    public void Dispose()
    {
        Train.Dispose();
        Test.Dispose();
    }

    private static IImageSource? TryOpen(string path, string split)
    {
        try
        {
            return ImageSources.Open(path, split);
        }
        catch (ImageSourceException)
        {
            return null; // the path itself is good: it was opened before
        }
    }
}
