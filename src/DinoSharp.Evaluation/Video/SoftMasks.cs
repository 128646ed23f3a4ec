using System.Numerics;
using System.Runtime.InteropServices;

namespace DinoSharp.Evaluation.Video;

/// <summary>
/// From shares of labels, a patch each, to a label a pixel: bilinear between the middles of patches, each label's plane stretched to 0 .. 1,
/// and the largest wins. The memory is used again from frame to frame.
/// </summary>
internal sealed class SoftMasks(int rows, int columns, int patchSize)
{
    private readonly float[] _wide = new float[rows * columns * patchSize]; // [h, W]
    private readonly float[] _plane = new float[rows * patchSize * columns * patchSize]; // [H, W]
    private readonly float[] _best = new float[rows * patchSize * columns * patchSize];
    private readonly (int At, float Far)[] _fromColumns = Sources(columns, patchSize);
    private readonly (int At, float Far)[] _fromRows = Sources(rows, patchSize);

    /// <summary>Pixels of a row.</summary>
    public int Width => columns * patchSize;

    /// <summary>Rows of pixels.</summary>
    public int Height => rows * patchSize;

    /// <summary>The number of the largest label of each pixel, the first of equal ones.</summary>
    /// <param name="soft">// [h w, labels]</param>
    /// <param name="labels">how many</param>
    /// <returns>// [H, W]</returns>
    public byte[] Largest(ReadOnlySpan<float> soft, int labels)
    {
        byte[] largest = new byte[_plane.Length];
        Array.Fill(_best, float.NegativeInfinity);
        for (int label = 0; label < labels; label++)
        {
            Upsample(soft, labels, label);
            Stretch();
            for (int i = 0; i < largest.Length; i++)
            {
                if (_plane[i] > _best[i])
                {
                    (_best[i], largest[i]) = (_plane[i], (byte)label);
                }
            }
        }

        return largest;
    }

    private void Upsample(ReadOnlySpan<float> soft, int labels, int label)
    {
        for (int y = 0; y < rows; y++)
        {
            for (int x = 0; x < Width; x++)
            {
                var (at, far) = _fromColumns[x];
                float here = soft[(y * columns + at) * labels + label];
                float there = soft[(y * columns + Math.Min(at + 1, columns - 1)) * labels + label];
                _wide[y * Width + x] = (1 - far) * here + far * there;
            }
        }

        for (int y = 0; y < _fromRows.Length; y++)
        {
            var (at, far) = _fromRows[y];
            var above = MemoryMarshal.Cast<float, Vector<float>>(_wide.AsSpan(at * Width, Width));
            var below = MemoryMarshal.Cast<float, Vector<float>>(_wide.AsSpan(Math.Min(at + 1, rows - 1) * Width, Width));
            var to = MemoryMarshal.Cast<float, Vector<float>>(_plane.AsSpan(y * Width, Width));
            for (int i = 0; i < to.Length; i++)
            {
                to[i] = (1 - far) * above[i] + far * below[i];
            }

            for (int x = to.Length * Vector<float>.Count; x < Width; x++)
            {
                _plane[y * Width + x] = (1 - far) * _wide[at * Width + x] + far * _wide[Math.Min(at + 1, rows - 1) * Width + x];
            }
        }
    }

    /// <summary>
    /// A plane of nothing stays 0. One that is the same everywhere, as that of the background where there is no object, wins everywhere: in
    /// the reference it becomes not a number, which is the largest of all to torch.
    /// </summary>
    private void Stretch()
    {
        var (least, most) = (float.PositiveInfinity, float.NegativeInfinity);
        foreach (float value in _plane)
        {
            (least, most) = (Math.Min(least, value), Math.Max(most, value));
        }

        if (most <= 0)
        {
            return;
        }

        float range = most - least;
        for (int i = 0; i < _plane.Length; i++)
        {
            _plane[i] = range > 0 ? (_plane[i] - least) / range : float.PositiveInfinity;
        }
    }

    /// <summary>Torch's bilinear places: the middle of each pixel among the middles of patches, at the border the nearest.</summary>
    private static (int At, float Far)[] Sources(int patches, int patchSize) =>
    [
        .. Enumerable.Range(0, patches * patchSize)
            .Select(i => Math.Max(0, (i + 0.5f) / patchSize - 0.5f))
            .Select(position => ((int)position, position - (int)position)),
    ];
}
