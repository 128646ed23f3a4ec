using System.Buffers;

namespace DinoSharp.Imaging;

/// <summary>
/// For each position of one axis of the result: where its window of source positions begins, and the window's weights.
/// A weight is Pillow's fixed-point integer in units of 2^-22. To multiply it with a sample exactly by 16-bit vector instructions, it is
/// kept in two signed parts, <c>weight = high * 2^11 + low</c>, and windows are filled up with zeros to whole groups of four:
/// a group is eight numbers, high of its four weights and then low.
/// </summary>
internal readonly ref struct ResampleTable : IDisposable
{
    public const int PrecisionBits = 32 - 8 - 2;
    public const int LowBits = 11;
    public const int GroupSize = 4;

    private readonly int[] _starts;
    private readonly int[] _counts;
    private readonly short[] _weights;

    /// <param name="sourceSize">Source positions.</param>
    /// <param name="size">Positions of the result.</param>
    /// <param name="filter">The kernel; it is stretched when shrinking, which is the antialiasing.</param>
    public ResampleTable(int sourceSize, int size, ResampleFilter filter)
    {
        double scale = (double)sourceSize / size, stretch = Math.Max(scale, 1.0), support = filter.Support() * stretch;
        int widest = (int)Math.Ceiling(support) * 2 + 1;
        WeightsPerWindow = (widest + GroupSize - 1) / GroupSize * GroupSize * 2;
        int room = checked(size * WeightsPerWindow);
        _starts = ArrayPool<int>.Shared.Rent(size);
        _counts = ArrayPool<int>.Shared.Rent(size);
        _weights = ArrayPool<short>.Shared.Rent(room);
        _weights.AsSpan(0, room).Clear();

        double[] window = ArrayPool<double>.Shared.Rent(widest);
        for (int i = 0; i < size; i++)
        {
            double centre = (i + 0.5) * scale;
            int first = Math.Max((int)(centre - support + 0.5), 0);
            int count = Math.Min((int)(centre + support + 0.5), sourceSize) - first;
            filter.Evaluate(window.AsSpan(0, count), first - centre + 0.5, 1.0 / stretch);
            _starts[i] = first;
            _counts[i] = count;
            Store(window.AsSpan(0, count), _weights.AsSpan(i * WeightsPerWindow));
        }

        ArrayPool<double>.Shared.Return(window);
    }

    /// <summary>The first source position of each window.</summary>
    public ReadOnlySpan<int> Starts => _starts;

    /// <summary>How many source positions each window has.</summary>
    public ReadOnlySpan<int> Counts => _counts;

    /// <summary>The groups of all windows, <see cref="WeightsPerWindow"/> numbers each.</summary>
    public ReadOnlySpan<short> Weights => _weights;

    public int WeightsPerWindow { get; }

    public void Dispose()
    {
        ArrayPool<int>.Shared.Return(_starts);
        ArrayPool<int>.Shared.Return(_counts);
        ArrayPool<short>.Shared.Return(_weights);
    }

    /// <summary>Normalises to a sum of 1, rounds half away from zero, splits.</summary>
    private static void Store(ReadOnlySpan<double> window, Span<short> groups)
    {
        double sum = 0;
        foreach (double weight in window)
        {
            sum += weight;
        }

        for (int k = 0; k < window.Length; k++)
        {
            double scaled = window[k] / sum * (1 << PrecisionBits);
            int weight = (int)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
            int at = k / GroupSize * GroupSize * 2 + k % GroupSize;
            groups[at] = (short)(weight >> LowBits);
            groups[at + GroupSize] = (short)(weight & ((1 << LowBits) - 1));
        }
    }
}
