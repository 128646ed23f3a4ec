using static TorchSharp.torch;

namespace DinoSharp.Training.Memory;

/// <summary>
/// Measures what a training takes of memory by a few of its steps with few images, on a method of its own that is thrown away. It asks
/// nothing of method or network, and whatever they do is in the figure.
/// </summary>
/// <param name="Views">sides in pixels of the views of an image, those of one size side by side</param>
/// <param name="Channels">of an image</param>
/// <param name="Images">there are to learn from</param>
public sealed record MemoryProbe(IReadOnlyList<int> Views, int Channels, int Images)
{
    /// <summary>Images pass in growing numbers until they take this many bytes: then small things do not blur what one image takes.</summary>
    private const long EnoughBytes = 192L << 20;

    /// <summary>And until they take so many times what the gradients do, whose memory is free while activations are at their peak.</summary>
    private const double EnoughGradients = 1.5;

    /// <summary>What a training will take.</summary>
    /// <param name="create">makes the method; what it draws from torch's random state is lost</param>
    /// <param name="options">of the training</param>
    /// <param name="plan">of the training</param>
    /// <param name="limit">bytes that the process may have: no more images are tried once the next ones would exceed it</param>
    public MemoryNeed Measure(Func<TrainingMethod> create, TrainingOptions options, TrainingPlan plan, long limit)
    {
        try
        {
            using var method = create();
            using Trainer trainer = new(method, options with { AccumulationSteps = 1 }, plan);
            return Measure(method, trainer, options.BatchSize / options.AccumulationSteps, limit);
        }
        finally
        {
            ProcessMemory.BeginPeak();
        }
    }

    private MemoryNeed Measure(TrainingMethod method, Trainer trainer, int most, long limit)
    {
        long gradients = trainer.Optimizer.Groups.All.Sum(p => p.Parameter.numel() * p.Parameter.element_size());
        double enough = Math.Max(EnoughBytes, EnoughGradients * gradients);
        ProcessMemory.BeginPeak();
        long start = ProcessMemory.Resident;
        List<(int Images, long Peak)> measured = [];
        for (int images = Math.Min(method.LeastImages, most); ; images = Math.Min(2 * images, most))
        {
            measured.Add((images, PeakOfStep(trainer, images)));
            long growth = measured[^1].Peak - start;
            if (images == most || (measured.Count > 1 && growth >= enough) || start + 2 * growth > limit)
            {
                break;
            }
        }

        Console.Error.WriteLine($"memdebug start {start / 1e6:F0} gradients {gradients / 1e6:F0} " + string.Join(" ", measured.Select(m => $"{m.Images}:{m.Peak / 1e6:F0}"))); // DEBUG
        var (count, peak) = measured[^1];
        var (fewer, peakOfFewer) = measured.Count > 1 ? measured[^2] : (0, start);
        double perImage = Math.Max((double)(peak - peakOfFewer) / (count - fewer), 0);
        return new MemoryNeed((long)(peak - count * perImage), perImage, gradients, Views.Sum(side => (long)side * side * Channels), method.LeastImages);
    }

    private long PeakOfStep(Trainer trainer, int images)
    {
        ProcessMemory.BeginPeak();
        using var scope = NewDisposeScope();
        Tensor[] crops =
        [
            .. Views.GroupBy(side => side).Select(views => rand((long)views.Count() * images, Channels, views.Key, views.Key)),
        ];
        try
        {
            trainer.Step(new TrainingBatch(crops, [.. Enumerable.Range(0, images).Select(i => (long)(i % Images))]));
        }
        catch (TrainingDivergedException)
        {
            // The loss of noise need not be a number. What it takes has been taken.
        }

        return ProcessMemory.Peak;
    }
}
