using System.Runtime.InteropServices;
using DinoSharp.Data;
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
    /// <summary>What the images of two steps differ by has to be as large: the peak of a step varies by some 20 MB.</summary>
    private const long EnoughBytes = 384L << 20;

    /// <summary>
    /// Activations are at their peak as the backward pass begins, gradients as it ends. A step whose activations take so many times what the
    /// gradients do tells of activations.
    /// </summary>
    private const int EnoughGradients = 3;

    /// <summary>A step finds the heap as the one before it left it, and takes a little more.</summary>
    private const int Steps = 2;

    /// <summary>The probe of a training on a recipe's views.</summary>
    public static MemoryProbe Of(IViewRecipe recipe, int channels, int images) =>
        new([.. Enumerable.Range(0, recipe.ViewCount).Select(recipe.SizeOf)], channels, images);

    /// <summary>What a training will take.</summary>
    /// <param name="create">makes the method; what it draws from torch's random state is lost</param>
    /// <param name="options">of the training</param>
    /// <param name="plan">of the training</param>
    /// <param name="limit">bytes that the process may have: no more images are tried once the next ones would exceed it</param>
    /// <exception cref="InsufficientMemoryException">Not even the fewest images fit.</exception>
    public MemoryNeed Measure(Func<TrainingMethod> create, TrainingOptions options, TrainingPlan plan, long limit)
    {
        try
        {
            using var method = create();
            using Trainer trainer = new(method, options with { AccumulationSteps = 1 }, plan);
            return Measure(method, trainer, options.BatchSize / options.AccumulationSteps, limit);
        }
        catch (ExternalException error) when (error.Message.Contains("can't allocate memory", StringComparison.Ordinal))
        {
            throw new InsufficientMemoryException(error.Message, error);
        }
        finally
        {
            ProcessMemory.BeginPeak();
        }
    }

    private MemoryNeed Measure(TrainingMethod method, Trainer trainer, int most, long limit)
    {
        long gradients = trainer.Optimizer.Groups.All.Sum(p => p.Parameter.numel() * p.Parameter.element_size());
        long difference = Math.Max(EnoughBytes, EnoughGradients * gradients);
        most = Math.Max(most, method.LeastImages); // of a share of a batch the method may not make a step by itself
        int images = method.LeastImages;
        Step(trainer, images); // from now on libraries and kernels are there
        ProcessMemory.BeginPeak();
        long start = ProcessMemory.Resident;
        List<(int Images, long Peak)> measured = [];
        while (true)
        {
            measured.Add((images, PeakOfSteps(trainer, images)));
            var (first, last) = (Telling(measured, start + EnoughGradients * gradients), measured[^1]);
            bool enough = last.Images > first.Images && last.Peak - first.Peak >= EnoughBytes;
            if (enough || images == most || last.Peak + difference > limit)
            {
                break;
            }

            images = (int)Math.Min(most, images + Math.Ceiling(difference / Math.Max(Slope(measured, start), 1)));
        }

        long telling = start + EnoughGradients * gradients;
        double perImage = Slope([.. measured.SkipWhile(m => m != Telling(measured, telling))], start);
        var (count, peak) = measured[^1];
        return new MemoryNeed(
            (long)(peak - count * perImage), perImage, gradients, Views.Sum(side => (long)side * side * Channels), method.LeastImages);
    }

    /// <summary>The first step of a peak that activations make; if there is none, the first.</summary>
    private static (int Images, long Peak) Telling(List<(int Images, long Peak)> measured, long least) =>
        measured.Take(measured.Count - 1).Where(m => m.Peak >= least).Append(measured[0]).First();

    /// <summary>Bytes an image between the first step and the last; of a single one, above the start.</summary>
    private static double Slope(List<(int Images, long Peak)> measured, long start)
    {
        var (last, first) = (measured[^1], measured.Count > 1 ? measured[0] : (Images: 0, Peak: start));
        return Math.Max((double)(last.Peak - first.Peak) / (last.Images - first.Images), 0);
    }

    private long PeakOfSteps(Trainer trainer, int images)
    {
        ProcessMemory.BeginPeak();
        for (int i = 0; i < Steps; i++)
        {
            Step(trainer, images);
        }

        return ProcessMemory.Peak;
    }

    private void Step(Trainer trainer, int images)
    {
        using var scope = NewDisposeScope();
        Tensor[] crops =
        [
            .. Views.GroupBy(side => side).Select(views => rand((long)views.Count() * images, Channels, views.Key, views.Key)),
        ];
        trainer.StepsDone = 0; // the training may have fewer steps than are tried
        try
        {
            trainer.Step(new TrainingBatch(crops, [.. Enumerable.Range(0, images).Select(i => (long)(i % Images))]));
        }
        catch (TrainingDivergedException)
        {
            // The loss of noise need not be a number. What it takes has been taken.
        }
    }
}
