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
    private const long EnoughBytes = 192L << 20;

    /// <summary>What is aimed at: by how much a step is missed is not known before.</summary>
    private const long AimedBytes = 256L << 20;

    /// <summary>A step finds the heap as those before it left it, and over the first ones takes so many times the first one's activations.</summary>
    private const double Growth = 1.06;

    /// <summary>The same where activations are computed again: blocks of all sizes come and go in the backward pass, too.</summary>
    private const double GrowthCheckpointed = 1.12;

    /// <summary>The next step has at most so many times the images of the last, whose peak need not tell yet what an image takes.</summary>
    private const int MostTimes = 8;

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
        most = Math.Max(most, method.LeastImages); // of a share of a batch the method may not make a step by itself
        int images = method.LeastImages;
        Step(trainer, images); // from now on libraries and kernels are there
        ProcessMemory.BeginPeak();
        long start = ProcessMemory.Resident;
        // Activations are at their peak as the backward pass begins, gradients as it ends: a step tells of the larger ones.
        long telling = start + gradients, difference = Math.Max(AimedBytes, gradients);
        var first = Try(images);
        var last = first;
        while (images < most && last.Peak + difference <= limit && (last.Images == first.Images || last.Peak - first.Peak < EnoughBytes))
        {
            double more = Math.Ceiling(difference / Math.Max(Slope(first, last, start), 1));
            images = (int)Math.Min(Math.Min(most, (double)MostTimes * images), images + more);
            (first, last) = (first.Peak < telling ? last : first, Try(images));
        }

        double perImage = Slope(first, last, start);
        double growth = method.Backbone.CheckpointsActivations ? GrowthCheckpointed : Growth;
        return new MemoryNeed(
            (long)(last.Peak - last.Images * perImage),
            growth * perImage,
            gradients,
            Views.Sum(side => (long)side * side * Channels),
            method.LeastImages);

        (int Images, long Peak) Try(int images)
        {
            ProcessMemory.BeginPeak();
            Step(trainer, images);
            return (images, ProcessMemory.Peak);
        }
    }

    /// <summary>Bytes an image between two steps; of a single one, above the start.</summary>
    private static double Slope((int Images, long Peak) first, (int Images, long Peak) last, long start)
    {
        var from = first.Images < last.Images ? first : (Images: 0, Peak: start);
        return Math.Max((double)(last.Peak - from.Peak) / (last.Images - from.Images), 0);
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
