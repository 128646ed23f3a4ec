using System.Numerics;
using System.Runtime.Intrinsics.X86;

namespace DinoSharp.Imaging;

/// <summary>How <see cref="ResampleTable"/> cuts weights into parts that vector instructions multiply exactly.</summary>
internal enum WeightLayout
{
    /// <summary>Two signed parts, <c>high * 2^11 + low</c>, of 16 bits. A group is high of its four weights and then low.</summary>
    Halves,

    /// <summary>Three signed bytes, <c>(a * 2^8 + b) * 2^8 + c</c>. A group is a of its four weights, then b, c and four zeros.</summary>
    Bytes,
}

/// <summary>
/// For each position of one axis of the result: where its window of source positions begins, and the window's weights.
/// A weight is Pillow's fixed-point integer in units of 2^-22, cut into parts; windows are filled up with zeros to whole groups of four.
/// </summary>
internal sealed class ResampleTable
{
    public const int PrecisionBits = 32 - 8 - 2;
    public const int LowBits = 11;
    public const int GroupSize = 4;

    /// <summary>Numbers of 16 bits in a group, of either layout.</summary>
    public const int GroupLength = 8;

    private double[] _window = [];

    /// <summary>The layout for multiplying pixels along a row.</summary>
    public static WeightLayout LayoutAlongRows => AvxVnni.IsSupported ? WeightLayout.Bytes : WeightLayout.Halves;

    /// <summary>The first source position of each window.</summary>
    public int[] Starts { get; private set; } = [];

    /// <summary>How many source positions each window has.</summary>
    public int[] Counts { get; private set; } = [];

    /// <summary>The groups of all windows, <see cref="WeightsPerWindow"/> numbers each.</summary>
    public short[] Weights { get; private set; } = [];

    public int WeightsPerWindow { get; private set; }

    public WeightLayout Layout { get; private set; }

    /// <summary>Source positions.</summary>
    public int SourceSize { get; private set; }

    /// <summary>How much of the source the result shows, from its first position on; the last may be shown in part.</summary>
    public double Extent { get; private set; }

    /// <summary>Positions of the result.</summary>
    public int Size { get; private set; }

    public ResampleFilter Filter { get; private set; }

    /// <summary>Makes this the table for two sizes, in the memory that it has where that is enough.</summary>
    /// <param name="sourceSize">Source positions.</param>
    /// <param name="extent">How much of the source the result shows, from its first position on.</param>
    /// <param name="size">Positions of the result.</param>
    /// <param name="filter">The kernel; it is stretched when shrinking, which is the antialiasing.</param>
    /// <param name="layout">How weights are cut.</param>
    public void Fill(int sourceSize, double extent, int size, ResampleFilter filter, WeightLayout layout)
    {
        double scale = extent / size, stretch = Math.Max(scale, 1.0), support = filter.Support() * stretch;
        int groups = ((int)Math.Ceiling(support) * 2 + 1 + GroupSize - 1) / GroupSize;
        WeightsPerWindow = groups * GroupLength;
        int room = checked(size * WeightsPerWindow);
        (SourceSize, Extent, Size, Filter, Layout) = (sourceSize, extent, size, filter, layout);
        if (Starts.Length < size)
        {
            Starts = new int[RoundUp(size)];
            Counts = new int[RoundUp(size)];
        }

        if (Weights.Length < room)
        {
            Weights = new short[RoundUp(room)];
        }

        if (_window.Length < groups * GroupSize)
        {
            _window = new double[RoundUp(groups * GroupSize)];
        }

        for (int i = 0; i < size; i++)
        {
            double centre = (i + 0.5) * scale;
            int first = Math.Max((int)(centre - support + 0.5), 0);
            int count = Math.Min((int)(centre + support + 0.5), sourceSize) - first;
            Starts[i] = first;
            Counts[i] = count;
            double sum = filter.Evaluate(_window, count, first, centre, 1.0 / stretch);
            WeightGroups.Store(_window, count, sum, Weights.AsSpan(i * WeightsPerWindow, WeightsPerWindow), layout);
        }
    }

    public bool IsFor(int sourceSize, double extent, int size, ResampleFilter filter) =>
        (SourceSize, Extent, Size, Filter) == (sourceSize, extent, size, filter);

    /// <summary>A weight in one piece.</summary>
    public int WeightAt(int window, int k) =>
        WeightGroups.Read(Weights.AsSpan(window * WeightsPerWindow + k / GroupSize * GroupLength, GroupLength), k % GroupSize, Layout);

    /// <summary>To a power of two, so that memory soon fits whatever comes.</summary>
    private static int RoundUp(int length) => (int)Math.Min(BitOperations.RoundUpToPowerOf2((uint)length), (uint)Array.MaxLength);
}
