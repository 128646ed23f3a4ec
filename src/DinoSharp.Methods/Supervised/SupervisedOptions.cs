using DinoSharp.Data;
using DinoSharp.Training;

namespace DinoSharp.Methods.Supervised;

/// <summary>Settings of training with labels; the defaults are DeiT's (arXiv 2012.12877, table 9), which the paper fine-tunes with.</summary>
public sealed record SupervisedOptions : MethodOptions
{
    /// <summary>Share of a target that is spread over all classes alike.</summary>
    [Setting("share of a target that is spread over all classes")]
    public double LabelSmoothing { get; init; } = 0.1;

    /// <summary>α of mixup (arXiv 1710.09412), whose share is drawn from Beta(α, α); 0 for none.</summary>
    [Setting("alpha of mixup; 0 for none")]
    public double MixupAlpha { get; init; } = 0.8;

    /// <summary>α of CutMix (arXiv 1905.04899); 0 for none.</summary>
    [Setting("alpha of CutMix; 0 for none")]
    public double CutMixAlpha { get; init; } = 1;

    /// <summary>Where both are on, the chance that a batch gets CutMix and not mixup.</summary>
    public double CutMixShare { get; init; } = 0.5;

    /// <summary>The chance that a rectangle of a view is replaced by noise (random erasing, arXiv 1708.04896).</summary>
    [Setting("chance that a part of a view is erased")]
    public double EraseProbability { get; init; } = 0.25;

    /// <summary>Magnitude of RandAugment as DeiT has it: two operations, each by a chance of 0.5 and with a deviation of 0.5; 0 for none.</summary>
    [Setting("magnitude of RandAugment; 0 for none")]
    public double RandAugmentMagnitude { get; init; } = 9;

    /// <summary>Chance that a number of an image's feature is 0 for the classifier (dropout).</summary>
    [Setting("chance of each number of a feature to be dropped before the classifier")]
    public double Dropout { get; init; }

    /// <summary>Views of each image in a batch (repeated augmentation, arXiv 1901.09335 and 1902.05509).</summary>
    [Setting("views of each image in a batch")]
    public int Repeats { get; init; } = 1;

    /// <summary>
    /// By what the learning rate is multiplied from each layer to the one below (arXiv 1801.06146, 2106.08254): layers that are good already
    /// move less. 1 moves all alike.
    /// </summary>
    [Setting("factor of the learning rate from each layer to the one below")]
    public double LayerDecay { get; init; } = 1;

    /// <summary>Momentum of a moving average of the weights, which is then the network to use; 0 for none.</summary>
    [Setting("momentum of a moving average of the weights, which is then used; 0 for none")]
    public double AverageMomentum { get; init; }

    /// <summary>Decides what is mixed.</summary>
    public long Seed { get; init; }

    /// <summary>Neighbours are mixed, and parts of even size keep them together.</summary>
    public override bool Accumulates => true;

    /// <exception cref="ArgumentException">The images have no labels, or a part of a batch has no even number of them.</exception>
    public override TrainingMethod Create(MethodSetup setup)
    {
        CheckParts(setup.Share.Images, setup.Training.BatchSize);
        return new SupervisedMethod(
            setup.CreateBackbone(true),
            AverageMomentum > 0 ? setup.CreateBackbone(false) : null,
            this with { Seed = setup.Training.Seed },
            setup.Labels ?? throw new ArgumentException(
                "training with labels needs images with labels: give class folders (CLASS/*.jpg) or a .csv with the columns path and label"),
            setup.Device,
            setup.Share);
    }

    /// <summary>Checks that a batch in parts is mixed as the whole.</summary>
    /// <param name="images">of a part</param>
    /// <param name="batchSize">of all parts</param>
    /// <exception cref="ArgumentException">A part would tear neighbours apart.</exception>
    public void CheckParts(long images, long batchSize)
    {
        if (images < batchSize && images % 2 != 0 && (MixupAlpha > 0 || CutMixAlpha > 0))
        {
            throw new ArgumentException(
                $"neighbours in a batch are mixed, and a part of it would have {images} images: make that an even number (--batch-size, --accumulation-steps)");
        }
    }

    public override IViewRecipe Recipe(MultiCropOptions views)
    {
        var crop = new RandomCropRecipe(PlainCrop.Of(views) with
        {
            EraseProbability = EraseProbability,
            RandAugment = RandAugmentMagnitude == 0
                ? null : new RandAugmentOptions { Magnitude = RandAugmentMagnitude, MagnitudeDeviation = 0.5, Probability = 0.5 },
        });
        return Repeats == 1 ? crop : new RepeatedRecipe(crop, Repeats);
    }

    public override void Validate()
    {
        string? fault =
            LabelSmoothing is not (>= 0 and < 1) ? $"label smoothing must be in [0, 1), not {LabelSmoothing}" :
            !(MixupAlpha >= 0) || !(CutMixAlpha >= 0) ? "the alphas of mixup and CutMix cannot be negative" :
            CutMixShare is not (>= 0 and <= 1) ? $"the share of CutMix must be in [0, 1], not {CutMixShare}" :
            EraseProbability is not (>= 0 and <= 1) ? $"the chance of erasing must be in [0, 1], not {EraseProbability}" :
            RandAugmentMagnitude is not (>= 0 and <= 30) ? $"RandAugment's magnitude is from 0 to 30, not {RandAugmentMagnitude}" :
            Dropout is not (>= 0 and < 1) ? $"the chance of dropout must be in [0, 1), not {Dropout}" :
            Repeats is not (>= 1 and <= 64) ? $"an image has 1 to 64 views in a batch, not {Repeats}" :
            LayerDecay is not (> 0 and <= 1) ? $"the decay from layer to layer must be in (0, 1], not {LayerDecay}" :
            AverageMomentum is not (>= 0 and < 1) ? $"the momentum of the average must be in [0, 1), not {AverageMomentum}" : null;
        if (fault is not null)
        {
            throw new ArgumentException(fault);
        }
    }
}
