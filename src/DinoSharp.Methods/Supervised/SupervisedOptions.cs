namespace DinoSharp.Methods.Supervised;

/// <summary>Settings of training with labels; the defaults are DeiT's (arXiv 2012.12877, table 9), which the paper fine-tunes with.</summary>
public sealed record SupervisedOptions
{
    /// <summary>Share of a target that is spread over all classes alike.</summary>
    public double LabelSmoothing { get; init; } = 0.1;

    /// <summary>α of mixup (arXiv 1710.09412), whose share is drawn from Beta(α, α); 0 for none.</summary>
    public double MixupAlpha { get; init; } = 0.8;

    /// <summary>α of CutMix (arXiv 1905.04899); 0 for none.</summary>
    public double CutMixAlpha { get; init; } = 1;

    /// <summary>Where both are on, the chance that a batch gets CutMix and not mixup.</summary>
    public double CutMixShare { get; init; } = 0.5;

    /// <summary>
    /// By what the learning rate is multiplied from each layer to the one below (arXiv 1801.06146, 2106.08254): layers that are good already
    /// move less. 1 moves all alike.
    /// </summary>
    public double LayerDecay { get; init; } = 1;

    /// <summary>Momentum of a moving average of the weights, which is then the network to use; 0 for none.</summary>
    public double AverageMomentum { get; init; }

    /// <summary>Decides what is mixed.</summary>
    public long Seed { get; init; }

    /// <summary>Returns itself if the values make a training.</summary>
    /// <exception cref="ArgumentException">Says in one line which value does not.</exception>
    public SupervisedOptions Validated()
    {
        string? fault =
            LabelSmoothing is not (>= 0 and < 1) ? $"label smoothing must be in [0, 1), not {LabelSmoothing}" :
            !(MixupAlpha >= 0) || !(CutMixAlpha >= 0) ? "the alphas of mixup and CutMix cannot be negative" :
            CutMixShare is not (>= 0 and <= 1) ? $"the share of CutMix must be in [0, 1], not {CutMixShare}" :
            LayerDecay is not (> 0 and <= 1) ? $"the decay from layer to layer must be in (0, 1], not {LayerDecay}" :
            AverageMomentum is not (>= 0 and < 1) ? $"the momentum of the average must be in [0, 1), not {AverageMomentum}" : null;
        return fault is null ? this : throw new ArgumentException(fault);
    }
}
