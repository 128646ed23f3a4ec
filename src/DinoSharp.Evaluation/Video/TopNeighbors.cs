using System.Numerics;
using System.Runtime.CompilerServices;

namespace DinoSharp.Evaluation.Video;

/// <summary>
/// The mean label of the k most similar patches of all frames together, weighted by exp(cosine / temperature). Patches as similar as the
/// k-th one count too, as they do in the reference.
/// </summary>
internal sealed unsafe class TopNeighbors(int k, float temperature)
{
    private readonly float[] _largest = new float[k]; // the k largest so far, in no order

    /// <summary>Votes for one patch.</summary>
    /// <param name="cosines">with all patches of an area, frame by frame // [frames, area]</param>
    /// <param name="area">which patches</param>
    /// <param name="neighborhood">those of them that may vote</param>
    /// <param name="labels">of the frames // [frames][patches, labels]</param>
    /// <param name="columns">patches of a row of the frame</param>
    /// <param name="result">the mean label</param>
    public void Vote(
        float* cosines, PatchArea area, PatchArea neighborhood, ReadOnlySpan<float[]> labels, int columns, Span<float> result)
    {
        int first = (neighborhood.Top - area.Top) * area.Columns + neighborhood.Left - area.Left;
        float threshold = Threshold(cosines + first, area, neighborhood, labels.Length, out float most);
        result.Clear();
        float sum = 0;
        for (int frame = 0; frame < labels.Length; frame++)
        {
            for (int row = 0; row < neighborhood.Rows; row++)
            {
                float* from = cosines + frame * area.Count + first + row * area.Columns;
                int patch = (neighborhood.Top + row) * columns + neighborhood.Left;
                for (int i = NextFrom(from, 0, neighborhood.Columns, threshold); i < neighborhood.Columns;
                     i = NextFrom(from, i + 1, neighborhood.Columns, threshold))
                {
                    float weight = MathF.Exp((from[i] - most) / temperature);
                    sum += weight;
                    var label = labels[frame].AsSpan((patch + i) * result.Length, result.Length);
                    for (int c = 0; c < result.Length; c++)
                    {
                        result[c] += weight * label[c];
                    }
                }
            }
        }

        for (int c = 0; c < result.Length; c++)
        {
            result[c] /= sum;
        }
    }

    /// <summary>The k-th largest of the neighbourhood, or less than all where there are not so many; and the largest.</summary>
    private float Threshold(float* cosines, PatchArea area, PatchArea neighborhood, int frames, out float most)
    {
        Array.Fill(_largest, float.NegativeInfinity);
        (float least, most) = (float.NegativeInfinity, float.NegativeInfinity);
        for (int frame = 0; frame < frames; frame++)
        {
            for (int row = 0; row < neighborhood.Rows; row++)
            {
                float* from = cosines + frame * area.Count + row * area.Columns;
                for (int i = NextFrom(from, 0, neighborhood.Columns, least); i < neighborhood.Columns;
                     i = NextFrom(from, i + 1, neighborhood.Columns, least))
                {
                    if (from[i] > least)
                    {
                        most = Math.Max(most, from[i]);
                        least = Replace(least, from[i]);
                    }
                }
            }
        }

        return least;
    }

    /// <summary>Puts a number in the place of the least one and finds the new least.</summary>
    private float Replace(float least, float value)
    {
        _largest[Array.IndexOf(_largest, least)] = value;
        float result = value;
        foreach (float other in _largest)
        {
            result = Math.Min(result, other);
        }

        return result;
    }

    /// <summary>The first place, from one on, of a number that is not below the threshold; the count if there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int NextFrom(float* numbers, int from, int count, float threshold)
    {
        var limit = new Vector<float>(threshold);
        int i = from;
        while (i <= count - Vector<float>.Count && !Vector.GreaterThanOrEqualAny(Unsafe.ReadUnaligned<Vector<float>>(numbers + i), limit))
        {
            i += Vector<float>.Count;
        }

        while (i < count && numbers[i] < threshold)
        {
            i++;
        }

        return i;
    }
}
