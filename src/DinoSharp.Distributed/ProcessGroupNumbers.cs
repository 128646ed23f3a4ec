using static TorchSharp.torch;

namespace DinoSharp.Distributed;

/// <summary>Numbers that processes tell one another.</summary>
public static class ProcessGroupNumbers
{
    /// <summary>What the first process says, on all of them.</summary>
    /// <param name="group">the processes</param>
    /// <param name="own">read on the first alone</param>
    public static bool FirstSays(this ProcessGroup group, bool own) => group.FirstSays(own ? 1 : 0) != 0;

    /// <summary>What the first process says, on all of them.</summary>
    /// <param name="group">the processes</param>
    /// <param name="own">read on the first alone</param>
    public static long FirstSays(this ProcessGroup group, long own)
    {
        using var said = tensor(new[] { own });
        group.Broadcast(said);
        return said.item<long>();
    }

    /// <summary>What the first process says, on all of them.</summary>
    /// <param name="group">the processes</param>
    /// <param name="own">read on the first alone</param>
    public static long[] FirstSays(this ProcessGroup group, long[] own)
    {
        if (group.Size == 1)
        {
            return own;
        }

        long count = group.FirstSays(own.Length);
        if (count == 0)
        {
            return []; // an empty tensor has no array
        }

        using var said = group.IsFirst ? tensor(own) : zeros(count, ScalarType.Int64);
        group.Broadcast(said);
        return said.data<long>().ToArray();
    }

    /// <summary>Whether all processes say yes.</summary>
    /// <param name="group">the processes</param>
    /// <param name="own">what this one says</param>
    public static bool AllSay(this ProcessGroup group, bool own)
    {
        using var count = tensor(new[] { own ? 1L : 0L });
        group.Sum(count);
        return count.item<long>() == group.Size;
    }

    /// <summary>The mean of each number over the processes.</summary>
    /// <param name="group">the processes</param>
    /// <param name="numbers">under the same names, in the same order on all</param>
    public static IReadOnlyList<(string Name, double Value)> Mean(this ProcessGroup group, IReadOnlyList<(string Name, double Value)> numbers)
    {
        if (group.Size == 1)
        {
            return numbers;
        }

        using var values = tensor(numbers.Select(number => number.Value).ToArray());
        group.Sum(values);
        values.div_(group.Size);
        return [.. numbers.Zip(values.data<double>(), (number, mean) => (number.Name, mean))];
    }
}
