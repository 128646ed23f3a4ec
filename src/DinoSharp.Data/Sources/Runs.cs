namespace DinoSharp.Data;

/// <summary>Runs by where they begin.</summary>
internal static class Runs
{
    /// <summary>The run that an image of a source lies in.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The index is none of the source's.</exception>
    public static int RunOf(this IStreamedSource source, int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)source.Count, nameof(index));
        return source.RunStarts.RunOf(index);
    }

    /// <summary>The run that an index lies in: the last that begins there or before.</summary>
    /// <param name="starts">Rising from 0.</param>
    /// <param name="index">0 or more.</param>
    public static int RunOf(this IReadOnlyList<int> starts, int index)
    {
        int low = 0, high = starts.Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            (low, high) = starts[middle] <= index ? (middle, high) : (low, middle - 1);
        }

        return low;
    }

    /// <summary>Where a run ends.</summary>
    /// <param name="starts">Rising from 0.</param>
    /// <param name="run">The run's number.</param>
    /// <param name="count">Images of all runs.</param>
    public static int EndOf(this IReadOnlyList<int> starts, int run, int count) => run + 1 < starts.Count ? starts[run + 1] : count;
}
