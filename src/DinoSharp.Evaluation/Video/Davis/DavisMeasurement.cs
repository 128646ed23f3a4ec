using DinoSharp.Imaging;

namespace DinoSharp.Evaluation.Video.Davis;

/// <summary>
/// The semi-supervised evaluation of DAVIS 2017: the masks of a folder against the true ones, object by object. The objects are those that
/// the first frame's true mask has; the first and the last frame are not measured; pixels that are void in a true mask do not count.
/// </summary>
/// <param name="set">the true masks</param>
/// <param name="results">a folder a sequence, an indexed PNG a frame</param>
public sealed class DavisMeasurement(DavisSet set, string results)
{
    private const byte Void = 255;

    /// <summary>Measures all sequences.</summary>
    /// <param name="progress">told the number of sequences done</param>
    /// <exception cref="EvaluationException">A mask is missing, of another size, or has a number that is no object's.</exception>
    /// <exception cref="ImageFormatException">A mask is damaged.</exception>
    public DavisScores All(Action<int>? progress = null)
    {
        var objects = new List<ObjectScore>();
        foreach ((int i, string sequence) in set.Sequences.Index())
        {
            objects.AddRange(Sequence(sequence));
            progress?.Invoke(i + 1);
        }

        return new DavisScores(objects);
    }

    /// <summary>Measures the objects of one sequence.</summary>
    public IReadOnlyList<ObjectScore> Sequence(string sequence)
    {
        var names = set.NamesOf(sequence);
        string first = set.AnnotationOf(sequence, names[0]);
        int objects = IndexedPng.Load(first).Indices.Where(number => number != Void).Max();
        string[] measured = [.. names.Skip(1).SkipLast(1)];
        if (objects == 0 || measured.Length == 0)
        {
            throw new EvaluationException(
                objects == 0 ? $"{first}: has no object to follow" : $"{set.FramesOf(sequence)}: has {names.Count} frames, and at least 3 are needed");
        }

        double[,][] values = new double[objects, 2][];
        for (int o = 0; o < objects; o++)
        {
            (values[o, 0], values[o, 1]) = (new double[measured.Length], new double[measured.Length]);
        }

        for (int frame = 0; frame < measured.Length; frame++)
        {
            string path = Path.Combine(results, sequence, measured[frame] + ".png");
            var (truth, guess) = (IndexedPng.Load(set.AnnotationOf(sequence, measured[frame])), LoadResult(path));
            Check(truth, guess, path, objects);
            for (int o = 0; o < objects; o++)
            {
                (values[o, 0][frame], values[o, 1][frame]) = Measure(truth, guess, (byte)(o + 1));
            }
        }

        return
        [
            .. Enumerable.Range(0, objects).Select(o =>
                new ObjectScore(sequence, o + 1, MeasureStatistics.Of(values[o, 0]), MeasureStatistics.Of(values[o, 1]))),
        ];
    }

    private static IndexedImage LoadResult(string path) => File.Exists(path)
        ? IndexedPng.Load(path)
        : throw new EvaluationException($"{path}: is not there; the results have a mask for each frame of each sequence of the split");

    private static void Check(IndexedImage truth, IndexedImage guess, string path, int objects)
    {
        if ((truth.Width, truth.Height) != (guess.Width, guess.Height))
        {
            throw new EvaluationException(
                $"{path}: has {guess.Width} x {guess.Height} pixels, and the true mask {truth.Width} x {truth.Height}; write results at the frame's size");
        }

        int most = guess.Indices.Max();
        if (most > objects)
        {
            throw new EvaluationException($"{path}: has the number {most}, and the sequence {objects} object(s): is it another sequence's mask?");
        }
    }

    private static (double J, double F) Measure(IndexedImage truth, IndexedImage guess, byte number)
    {
        var ignored = Mask(truth, Void);
        ObjectMask right = Mask(truth, number), found = Mask(guess, number).Without(ignored);
        return (MaskMeasures.RegionSimilarity(right, found), MaskMeasures.BoundaryAccuracy(right, found));
    }

    private static ObjectMask Mask(IndexedImage image, byte number) => ObjectMask.Of(image.Indices, image.Width, image.Height, number);
}
