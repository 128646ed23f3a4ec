namespace DinoSharp.Methods.MocoV2;

/// <summary>What is asked of the settings that methods with a queue share, and how they fit a training.</summary>
internal static class QueueSettings
{
    /// <summary>Images in a group of the published training: a batch of 256 on 8 GPUs.</summary>
    private const int GroupImages = 32;

    /// <summary>
    /// With a faster key encoder the keys of the queue are of networks too unlike each other, and the outputs become one point: measured in
    /// docs/methods/moco-v2.md. The paper saw the same (arXiv 1911.05722, section 4.1).
    /// </summary>
    public const double LeastMomentum = 0.996;

    /// <exception cref="ArgumentException">Says in one line which value makes no training.</exception>
    public static void Check(int queueSize, double keyMomentum, double temperature, int normGroups)
    {
        string? fault =
            queueSize < 1 ? $"a queue needs at least 1 key, not {queueSize}" :
            keyMomentum is not (>= 0 and <= 1) ? $"the key encoder's momentum must be in [0, 1], not {keyMomentum}" :
            temperature is not (> 0 and < double.PositiveInfinity) ? $"the temperature must be above 0, not {temperature}" :
            normGroups < 1 ? $"batch norm needs at least 1 group, not {normGroups}" : null;
        if (fault is not null)
        {
            throw new ArgumentException(fault);
        }
    }

    /// <exception cref="ArgumentException">The queue does not hold a batch.</exception>
    public static void CheckBatch(int queueSize, int batchSize)
    {
        if (queueSize < batchSize)
        {
            throw new ArgumentException(
                $"a queue of {queueSize} keys does not hold a batch of {batchSize}: raise --queue-size or lower --batch-size");
        }
    }

    /// <summary>Whole batches of keys from a quarter of the images at most.</summary>
    public static int Queue(int published, Fitting fitting)
    {
        int batch = fitting.Facts.BatchSize, quarter = fitting.Facts.Images / 4;
        return fitting.Choose(
            "--queue-size",
            published,
            Math.Max(Math.Min(published, quarter) / batch, 1) * batch,
            quarter < published ? "a longer queue would soon hold keys of the image itself" : "so that it holds whole batches");
    }

    /// <summary>
    /// Groups of as many images as published, but at least two, and for several processes a number that goes into them; where there is no batch norm,
    /// there are none.
    /// </summary>
    public static int Groups(int published, Fitting fitting) => fitting.Facts.BatchNorm
        ? fitting.Choose("--norm-groups", published, Groups(published, fitting.Facts), "groups of about 32 images, as published")
        : published;

    private static int Groups(int published, TrainingFacts facts)
    {
        int groups = Math.Clamp(facts.BatchSize / GroupImages, Math.Min(2, published), published);
        int[] even = facts.Processes == 1 ? [] :
        [
            .. Enumerable.Range(1, facts.BatchSize / 2 / facts.Processes).Select(own => own * facts.Processes)
                .Where(number => facts.BatchSize % number == 0),
        ];
        return even.Length == 0 ? groups : even.MinBy(number => Math.Abs(number - groups));
    }
}
