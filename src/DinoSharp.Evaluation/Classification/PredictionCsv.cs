using System.Globalization;
using CsvHelper;
using DinoSharp.Checkpoints;
using DinoSharp.Data;
using DinoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Classification;

/// <summary>
/// What a classifier says of images, as comma-separated text in the invariant culture: path, label (empty where there is none), prediction,
/// its probability, and the probability of each class under its name. Images that cannot be used have no line.
/// </summary>
public static class PredictionCsv
{
    private static readonly string[] Columns = ["path", "label", "prediction", "probability"];

    /// <summary>Writes the file whole or not at all, image by image, and counts what is right where labels are known.</summary>
    /// <param name="path">the file</param>
    /// <param name="loader">the images</param>
    /// <param name="classes">the classifier's, one an output</param>
    /// <param name="matching">which outputs the labels are; null where the images have none</param>
    /// <param name="logits">from uint8 [B, H, W, C] to // [B, classes]</param>
    /// <param name="progress">told the number of images done</param>
    /// <returns>the score; null without labels</returns>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    /// <exception cref="ImageSourceException">Too many images are unusable, or all of them.</exception>
    public static ClassificationScore? Write(
        string path,
        EvaluationLoader loader,
        IReadOnlyList<string> classes,
        ClassMatching? matching,
        Func<Tensor, Tensor> logits,
        Action<int>? progress = null)
    {
        long images = 0, first = 0, firstFive = 0;
        AtomicFile.Write(path, stream =>
        {
            using StreamWriter text = new(stream, leaveOpen: true);
            using CsvWriter csv = new(text, CultureInfo.InvariantCulture, leaveOpen: true);
            foreach (string column in Columns.Concat(classes))
            {
                csv.WriteField(column);
            }

            csv.NextRecord();
            foreach (var batch in loader.Batches())
            {
                using (batch)
                {
                    WriteBatch(csv, batch);
                }

                TorchRuntime.Sweep();
                progress?.Invoke((int)images);
            }
        });
        return images == 0 ? throw new ImageSourceException(loader.Source.Path, "none of its images can be used")
            : matching is null ? null : new ClassificationScore(images, 100.0 * first / images, 100.0 * firstFive / images);

        void WriteBatch(CsvWriter csv, EvaluationBatch batch)
        {
            if (batch.Indices.Count == 0)
            {
                return;
            }

            float[] all;
            using (NewDisposeScope())
            {
                all = logits(batch.Pixels).to(ScalarType.Float32).softmax(1).cpu().contiguous().data<float>().ToArray(); // [B, C]
            }

            for (int row = 0; row < batch.Indices.Count; row++)
            {
                var probabilities = all.AsSpan(row * classes.Count, classes.Count);
                int best = IndexOfLargest(probabilities), label = batch.Labels[row];
                csv.WriteField(loader.Source.NameOf(batch.Indices[row]));
                csv.WriteField(label >= 0 ? loader.Source.Classes[label] : "");
                csv.WriteField(classes[best]);
                csv.WriteField(probabilities[best]);
                foreach (float probability in probabilities)
                {
                    csv.WriteField(probability);
                }

                csv.NextRecord();
                images++;
                if (matching?.OutputOf(label) is >= 0 and var right)
                {
                    int better = CountAbove(probabilities, probabilities[right]);
                    first += right == best ? 1 : 0;
                    firstFive += better < 5 ? 1 : 0;
                }
            }
        }
    }

    /// <summary>What stands in such a file of each image: its name, and the probability of each class.</summary>
    /// <param name="path">the file</param>
    /// <param name="classes">the classifier's, which must be the file's</param>
    /// <exception cref="CheckpointException">The file is not of these classes, or damaged.</exception>
    public static IEnumerable<(string Name, float[] Probabilities)> Read(string path, IReadOnlyList<string> classes)
    {
        using StreamReader text = new(path);
        using CsvReader csv = new(text, CultureInfo.InvariantCulture);
        if (!csv.Read() || !csv.ReadHeader() || !csv.HeaderRecord!.SequenceEqual([.. Columns, .. classes]))
        {
            throw new CheckpointException($"{path}: these are no predictions of the {classes.Count} classes: delete it, so that it is made anew");
        }

        while (csv.Read())
        {
            float[] probabilities = new float[classes.Count];
            for (int i = 0; i < probabilities.Length; i++)
            {
                probabilities[i] = csv.TryGetField(Columns.Length + i, out float value)
                    ? value
                    : throw new CheckpointException($"{path}: line {csv.Parser.RawRow} is damaged: delete the file, so that it is made anew");
            }

            yield return (csv.GetField(0)!, probabilities);
        }
    }

    private static int IndexOfLargest(ReadOnlySpan<float> values)
    {
        int best = 0;
        for (int i = 1; i < values.Length; i++)
        {
            best = values[i] > values[best] ? i : best;
        }

        return best;
    }

    private static int CountAbove(ReadOnlySpan<float> values, float limit)
    {
        int above = 0;
        foreach (float value in values)
        {
            above += value > limit ? 1 : 0;
        }

        return above;
    }
}
