using DinoSharp.Models.Backbones;
using DinoSharp.Models.Heads;
using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Models;

/// <summary>Backbone and head over the crops of several resolutions: one backbone pass a resolution, one head pass for all.</summary>
public sealed class MultiCropEncoder : nn.Module
{
    [ComponentName(Name = "backbone")]
    private readonly Backbone _backbone;
    [ComponentName(Name = "head")]
    private readonly nn.Module<Tensor, Tensor> _head;
    [ComponentName(Name = "dropout")]
    private readonly FeatureDropout _dropout;

    /// <param name="backbone">gives the features</param>
    /// <param name="head">takes them</param>
    /// <param name="dropout">chance, in training, that a number of a feature is 0 in the head's input</param>
    public MultiCropEncoder(Backbone backbone, nn.Module<Tensor, Tensor> head, double dropout = 0)
        : base(nameof(MultiCropEncoder))
    {
        _backbone = backbone;
        _head = head;
        _dropout = new FeatureDropout(dropout);
        RegisterComponents();
    }

    public Backbone Backbone => _backbone;

    /// <param name="crops">one tensor a resolution // [B_r, C, H_r, W_r]</param>
    /// <returns>rows in the order of the crops // [ΣB_r, K]</returns>
    public Tensor Forward(IReadOnlyList<Tensor> crops)
    {
        using var scope = NewDisposeScope();
        return _head.forward(_dropout.forward(GradientMilestones.Before(_head, _backbone.ForwardCrops(crops)))).MoveToOuterDisposeScope();
    }
}
