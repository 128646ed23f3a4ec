using DinoSharp.Models.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>A basic block: 3x3 (with the stride), 3x3, and a projected shortcut where shapes differ.</summary>
internal sealed class BasicBlock : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "conv1")]
    private readonly ConvolutionLayer _first;
    [ComponentName(Name = "bn1")]
    private readonly BatchNorm _firstNorm;
    [ComponentName(Name = "conv2")]
    private readonly ConvolutionLayer _second;
    [ComponentName(Name = "bn2")]
    private readonly BatchNorm _secondNorm;
    [ComponentName(Name = "downsample")]
    private readonly Sequential? _shortcut;

    /// <param name="inputDim">channels of the input</param>
    /// <param name="width">inner channels</param>
    /// <param name="stride">by which it shrinks maps</param>
    /// <param name="zeroInit">whether it begins by adding nothing to the shortcut</param>
    public BasicBlock(int inputDim, int width, int stride, bool zeroInit)
        : base(nameof(BasicBlock))
    {
        _first = Bottleneck.Convolution(inputDim, width, kernel: 3, stride);
        _firstNorm = new BatchNorm(width);
        _second = Bottleneck.Convolution(width, width, kernel: 3);
        _secondNorm = new BatchNorm(width, weight: zeroInit ? 0 : 1);
        _shortcut = Bottleneck.Shortcut(inputDim, width, stride);
        RegisterComponents();
    }

    /// <param name="maps">// [B, C, H, W]</param>
    /// <returns>// [B, width, H/stride, W/stride]</returns>
    public override Tensor forward(Tensor maps)
    {
        using var scope = NewDisposeScope();
        var inner = nn.functional.relu(_firstNorm.forward(_first.forward(maps)));
        var shortcut = _shortcut is null ? maps : _shortcut.forward(maps);
        return nn.functional.relu(_secondNorm.forward(_second.forward(inner)) + shortcut).MoveToOuterDisposeScope();
    }
}
