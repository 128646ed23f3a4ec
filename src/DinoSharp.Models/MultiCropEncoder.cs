using DinoSharp.Models.Backbones;
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

    public MultiCropEncoder(Backbone backbone, nn.Module<Tensor, Tensor> head)
        : base(nameof(MultiCropEncoder))
    {
        _backbone = backbone;
        _head = head;
        RegisterComponents();
    }

    public Backbone Backbone => _backbone;

    /// <param name="crops">one tensor a resolution // [B_r, C, H_r, W_r]</param>
    /// <returns>rows in the order of the crops // [ΣB_r, K]</returns>
    public Tensor Forward(IReadOnlyList<Tensor> crops)
    {
        using var scope = NewDisposeScope();
        return _head.forward(GradientMilestones.Before(_head, _backbone.ForwardCrops(crops))).MoveToOuterDisposeScope();
    }
}
