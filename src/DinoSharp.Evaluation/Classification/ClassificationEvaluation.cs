using System.Text.Json;
using DinoSharp.Data;
using DinoSharp.Distributed;
using DinoSharp.Evaluation.Features;
using DinoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Classification;

/// <summary>How many images of a labelled source classifiers get right.</summary>
public static class ClassificationEvaluation
{
    private const int Best = 5;

    /// <summary>The scores of one or several classifiers that look at the same images.</summary>
    /// <param name="loader">labelled images; those that cannot be used are in its faults and count nowhere</param>
    /// <param name="matching">which outputs the labels are</param>
    /// <param name="logits">from uint8 [B, H, W, C] to one tensor a classifier // [B, classes] each</param>
    /// <param name="progress">told the number of images done; of several processes an estimate by this one's</param>
    /// <param name="group">processes of which each takes a share of the images; null for this one alone</param>
    /// <returns>on each of the processes</returns>
    /// <exception cref="ImageSourceException">Too many images are unusable, or all of them.</exception>
    public static IReadOnlyList<ClassificationScore> Score(
        EvaluationLoader loader,
        ClassMatching matching,
        Func<Tensor, IReadOnlyList<Tensor>> logits,
        Action<int>? progress = null,
        ProcessGroup? group = null)
    {
        group ??= ProcessGroup.Alone;
        long images = 0;
        long[] first = [], firstFive = [];
        using var noGradients = no_grad();
        foreach (var batch in loader.Batches(Border(loader, group.Rank, group), Border(loader, group.Rank + 1, group)))
        {
            using (batch)
            {
                if (batch.Indices.Count > 0)
                {
                    using var scope = NewDisposeScope();
                    Count(logits(batch.Pixels), [.. batch.Labels.Select(label => (long)matching.OutputOf(label))], ref first, ref firstFive);
                    images += batch.Indices.Count;
                }
            }

            TorchRuntime.Sweep();
            progress?.Invoke((int)Math.Min(images * group.Size, loader.Source.Count));
        }

        if (group.Size > 1)
        {
            (images, first, firstFive) = Sum(group, images, first, firstFive);
            loader.Note(SharedWork.Faults(group, loader.Faults.Faults));
        }

        return images > 0
            ? [.. first.Zip(firstFive, (one, five) => new ClassificationScore(images, 100.0 * one / images, 100.0 * five / images))]
            : throw new ImageSourceException(loader.Source.Path, "none of its images can be used");
    }

    /// <summary>The same of features that were taken before.</summary>
    /// <param name="features">// [N, D]</param>
    /// <param name="outputs">which output is right for each row, -1 for none</param>
    /// <param name="logits">from features to one tensor a classifier // [B, D] to [B, classes] each</param>
    public static IReadOnlyList<ClassificationScore> Score(
        Tensor features, IReadOnlyList<long> outputs, Func<Tensor, IReadOnlyList<Tensor>> logits)
    {
        const int rows = 4096;
        long[] first = [], firstFive = [];
        using var noGradients = no_grad();
        for (int start = 0; start < outputs.Count; start += rows)
        {
            using var scope = NewDisposeScope();
            int count = Math.Min(rows, outputs.Count - start);
            Count(logits(features.narrow(0, start, count)), [.. outputs.Skip(start).Take(count)], ref first, ref firstFive);
        }

        double percent = 100.0 / outputs.Count;
        return [.. first.Zip(firstFive, (one, five) => new ClassificationScore(outputs.Count, one * percent, five * percent))];
    }

    /// <summary>Where a rank's images begin: where a batch does, so that batches are those of one process.</summary>
    private static int Border(EvaluationLoader loader, int rank, ProcessGroup group)
    {
        long batches = (loader.Source.Count + loader.BatchSize - 1) / loader.BatchSize;
        return (int)Math.Min(batches * rank / group.Size * loader.BatchSize, loader.Source.Count);
    }

    /// <summary>What all ranks counted; one without images does not know how many classifiers there are.</summary>
    private static (long Images, long[] First, long[] FirstFive) Sum(ProcessGroup group, long images, long[] first, long[] firstFive)
    {
        var counts = group.GatherMessages(JsonSerializer.SerializeToUtf8Bytes<long[][]>([[images], first, firstFive]))
            .Select(message => JsonSerializer.Deserialize<long[][]>(message)!).Where(of => of[0][0] > 0).ToList();
        return (counts.Sum(of => of[0][0]), Total(1), Total(2));

        long[] Total(int kind) => counts.Select(of => of[kind]).Aggregate(Array.Empty<long>(), (sum, of) => sum.Length == 0 ? of : [.. sum.Zip(of, (a, b) => a + b)]);
    }

    private static void Count(IReadOnlyList<Tensor> logits, long[] outputs, ref long[] first, ref long[] firstFive)
    {
        (first, firstFive) = first.Length == 0 ? (new long[logits.Count], new long[logits.Count]) : (first, firstFive);
        var right = tensor(outputs, ScalarType.Int64, logits[0].device).unsqueeze(1); // [B, 1]
        for (int i = 0; i < logits.Count; i++)
        {
            var (_, best) = logits[i].topk((int)Math.Min(Best, logits[i].size(1)), 1); // [B, 5]
            var hits = best.eq(right);
            first[i] += hits.select(1, 0).sum().item<long>();
            firstFive[i] += hits.sum().item<long>();
        }
    }
}
