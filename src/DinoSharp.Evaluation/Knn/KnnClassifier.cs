using DinoSharp.Evaluation.Features;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Knn;

/// <summary>
/// The weighted k-nearest-neighbour classifier (arXiv 1805.01978, section 3.4) as arXiv 2104.14294 evaluates frozen features: each of
/// the k training images most alike by cosine votes for its class with weight exp(similarity / T).
/// </summary>
public sealed class KnnClassifier : IDisposable
{
    private readonly KnnOptions _options;
    private readonly CosineIndex _train;
    private readonly Tensor _labels; // int64 [N]
    private readonly int _classCount;

    /// <param name="train">float32 features of any length, used where they are and not copied: leave them as they are // [N, D]</param>
    /// <param name="labels">in 0 .. classCount - 1 // int64 [N]</param>
    /// <param name="classCount">classes C</param>
    /// <param name="options">settings</param>
    /// <exception cref="EvaluationException">Features and labels do not fit, or an option makes no sense.</exception>
    public KnnClassifier(Tensor train, Tensor labels, int classCount, KnnOptions? options = null)
        : this(labels, train.size(0), classCount, options, blockBytes => new CosineIndex(train, blockBytes))
    {
    }

    /// <param name="train">of which each process has a share</param>
    /// <param name="labels">of all, in 0 .. classCount - 1 // int64 [N]</param>
    /// <param name="classCount">classes C</param>
    /// <param name="options">settings</param>
    /// <param name="device">where to compute</param>
    internal KnnClassifier(SharedRows train, Tensor labels, int classCount, KnnOptions? options, Device device)
        : this(labels, train.Count, classCount, options, blockBytes => new CosineIndex(train, device, blockBytes))
    {
    }

    private KnnClassifier(Tensor labels, long images, int classCount, KnnOptions? options, Func<long, CosineIndex> index)
    {
        _options = (options ?? new KnnOptions()).Validated();
        _classCount = classCount;
        RequireLabels(labels, images, "training");
        _train = index(_options.BlockBytes);
        _labels = labels.to(_train.Device, copy: true).DetachFromDisposeScope();
    }

    /// <summary>The scores on labelled images, one for each k of the options.</summary>
    /// <param name="test">float32 features // [M, D]</param>
    /// <param name="labels">in 0 .. C - 1 // int64 [M]</param>
    /// <exception cref="EvaluationException">Features and labels do not fit the training set's.</exception>
    public IReadOnlyList<KnnScore> Evaluate(Tensor test, Tensor labels)
    {
        RequireLabels(labels, test.size(0), "test");
        using var scope = NewDisposeScope();
        return Evaluate(_train.Chunks(test), labels);
    }

    /// <summary>The same of images that the processes share, on each of them.</summary>
    internal IReadOnlyList<KnnScore> Evaluate(SharedRows test, Tensor labels)
    {
        RequireLabels(labels, test.Count, "test");
        return Evaluate(_train.Chunks(test), labels);
    }

    private IReadOnlyList<KnnScore> Evaluate(IEnumerable<Tensor> chunks, Tensor labels)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        long[] first = new long[_options.Ks.Count], firstFive = new long[_options.Ks.Count];
        var chunkLabels = labels.to(_train.Device).unsqueeze(1).split(_train.QueryRows); // [m, 1] each
        foreach (var (c, chunk) in chunks.Index())
        {
            using var chunkScope = NewDisposeScope();
            using var queries = chunk;
            var (weights, classes) = Ballots(queries, _options.Ks.Max());
            for (int i = 0; i < _options.Ks.Count; i++)
            {
                int k = _options.Ks[i];
                var right = Ranking(Count(weights, classes, k)).eq(chunkLabels[c]); // [m, C]
                first[i] += right.narrow(1, 0, 1).sum().item<long>();
                firstFive[i] += right.narrow(1, 0, Math.Min(Math.Min(5, k), _classCount)).sum().item<long>();
            }
        }

        double percent = 100.0 / labels.numel();
        return [.. _options.Ks.Select((k, i) => new KnnScore(k, first[i] * percent, firstFive[i] * percent))];
    }

    /// <summary>The weight of votes each class gets from the k nearest training images, in units of the nearest one's.</summary>
    /// <param name="test">float32 features // [M, D]</param>
    /// <param name="k">how many vote; with fewer training images all of them</param>
    /// <returns>// float32 [M, C]</returns>
    public Tensor Votes(Tensor test, int k)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var votes = _train.Chunks(test).Select(rows =>
        {
            using var chunkScope = NewDisposeScope();
            var (weights, classes) = Ballots(rows, k);
            return Count(weights, classes, k).MoveToOuterDisposeScope();
        });
        return cat([.. votes]).MoveToOuterDisposeScope();
    }

    /// <summary>Classes, best first. Classes without votes stand in ascending order: the sort is stable.</summary>
    /// <param name="votes">// [M, C]</param>
    /// <returns>// int64 [M, C]</returns>
    public static Tensor Ranking(Tensor votes)
    {
        using var scope = NewDisposeScope();
        return votes.sort(1, descending: true, stable: true).Indices.MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        _train.Dispose();
        _labels.Dispose();
    }

    /// <summary>
    /// Weights, in units of the largest, and classes of the nearest training images, nearest first: those of a smaller k are the first columns.
    /// </summary>
    private (Tensor Weights, Tensor Classes) Ballots(Tensor rows, int k)
    {
        var (similarities, nearest) = _train.Nearest(rows, Math.Min(k, _train.Count)); // [m, k]
        var less = similarities.sub(similarities.narrow(1, 0, 1)); // than the nearest's, so that exp does not overflow // [m, k]
        return (less.div(_options.Temperature).exp(), _labels.take(nearest));
    }

    private Tensor Count(Tensor weights, Tensor classes, int k)
    {
        long voters = Math.Min(k, weights.size(1));
        return weights.new_zeros(weights.size(0), _classCount)
            .scatter_add_(1, classes.narrow(1, 0, voters), weights.narrow(1, 0, voters)); // [m, C]
    }

    private void RequireLabels(Tensor labels, long rows, string set)
    {
        using var scope = NewDisposeScope();
        if (rows == 0 || labels.numel() != rows)
        {
            throw new EvaluationException($"k-NN needs a label for each {set} image: {rows} images, {labels.numel()} labels");
        }

        if (labels.min().item<long>() < 0 || labels.max().item<long>() >= _classCount)
        {
            throw new EvaluationException(
                $"the {set} images have labels outside of the {_classCount} known classes: both sets need the same class folders");
        }
    }
}
