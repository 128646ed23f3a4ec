namespace DinoSharp.Data;

/// <summary>
/// The order in which an epoch streams a source: its runs are shuffled, several are read side by side, and what is read passes through a
/// buffer from which images leave at random. It depends on the runs' lengths, the buffer's size, the seed and the epoch alone, so it is
/// known before anything is read, and no number of threads changes it.
/// </summary>
internal sealed class StreamOrder
{
    /// <summary>Runs read side by side, so that neighbours in a batch come of different ones. Each has a thread to read it.</summary>
    public const int MostLanes = 8;

    private readonly int[] _positions;
    private readonly byte[] _lanes;

    /// <param name="runStarts">The index at which each run begins.</param>
    /// <param name="count">Images in all.</param>
    /// <param name="buffer">Images from which the next is drawn, at least 1.</param>
    /// <param name="seed">The training's seed.</param>
    /// <param name="epoch">Number of the epoch.</param>
    public StreamOrder(IReadOnlyList<int> runStarts, int count, int buffer, ulong seed, int epoch)
    {
        Buffer = Math.Min(buffer, count);
        _lanes = new byte[count];
        _positions = new int[count];
        int[] read = ReadOrder(runStarts, count, EpochOrder.Shuffled(runStarts.Count, seed, epoch));
        Indices = new int[count];
        SampleRandom random = new(seed, epoch, index: -2, view: 0); // no sample's numbers, nor those of the runs' order
        int[] steps = new int[Buffer];
        for (int step = 0; step < count + Buffer; step++)
        {
            // Once everything is read, the buffer's last image takes the place of the one that leaves.
            int held = Math.Min(Buffer, count + Buffer - step);
            int slot = step < Buffer ? step : random.NextInt(held);
            if (step >= Buffer)
            {
                int position = step - Buffer;
                _positions[steps[slot]] = position;
                Indices[position] = read[steps[slot]];
            }

            steps[slot] = step < count ? step : steps[held - 1];
        }
    }

    /// <summary>How many images are read before the first leaves.</summary>
    public int Buffer { get; }

    /// <summary>The images in the order in which they leave the buffer.</summary>
    public int[] Indices { get; }

    /// <summary>Runs that are open at once.</summary>
    public int LaneCount { get; private set; }

    /// <summary>Images read, one a step.</summary>
    public int Steps => _positions.Length;

    /// <summary>The place in <see cref="Indices"/> of the image that is read at a step.</summary>
    public int PositionOf(int step) => _positions[step];

    /// <summary>Which of the open runs is read at a step.</summary>
    public int LaneOf(int step) => _lanes[step];

    /// <summary>Takes turns among as many runs as there are lanes; a lane whose run ends goes on with the next.</summary>
    private int[] ReadOrder(IReadOnlyList<int> runStarts, int count, int[] runs)
    {
        LaneCount = Math.Min(MostLanes, runs.Length);
        int opened = 0;
        (int Next, int End)[] lanes = new (int, int)[LaneCount];
        int[] read = new int[count];
        for (int step = 0, lane = 0; step < count; lane = (lane + 1) % LaneCount)
        {
            while (lanes[lane].Next == lanes[lane].End && opened < runs.Length)
            {
                int run = runs[opened++];
                lanes[lane] = (runStarts[run], runStarts.EndOf(run, count));
            }

            if (lanes[lane].Next < lanes[lane].End)
            {
                _lanes[step] = (byte)lane;
                read[step++] = lanes[lane].Next++;
            }
        }

        return read;
    }
}
