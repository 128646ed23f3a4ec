using DinoSharp.Models.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>A bottleneck block: 1x1, 3x3 (with the stride), 1x1 to four times the width, and a projected shortcut where shapes differ.</summary>
internal sealed class Bottleneck : nn.Module<Tensor, Tensor>
{
    /// <summary>Output channels over inner width.</summary>
    public const int Expansion = 4;

    [ComponentName(Name = "conv1")]
    private readonly ConvolutionLayer _reduce;
    [ComponentName(Name = "bn1")]
    private readonly BatchNorm _reduceNorm;
    [ComponentName(Name = "conv2")]
    private readonly ConvolutionLayer _spatial;
    [ComponentName(Name = "bn2")]
    private readonly BatchNorm _spatialNorm;
    [ComponentName(Name = "conv3")]
    private readonly ConvolutionLayer _expand;
    [ComponentName(Name = "bn3")]
    private readonly BatchNorm _expandNorm;
    [ComponentName(Name = "downsample")]
    private readonly Sequential? _shortcut;

    /// <param name="inputDim">channels of the input</param>
    /// <param name="width">inner channels</param>
    /// <param name="stride">by which it shrinks maps</param>
    /// <param name="zeroInit">whether it begins by adding nothing to the shortcut</param>
    public Bottleneck(int inputDim, int width, int stride, bool zeroInit)
        : base(nameof(Bottleneck))
    {
        _reduce = Convolution(inputDim, width, kernel: 1);
        _reduceNorm = new BatchNorm(width);
        _spatial = Convolution(width, width, kernel: 3, stride);
        _spatialNorm = new BatchNorm(width);
        _expand = Convolution(width, width * Expansion, kernel: 1);
        _expandNorm = new BatchNorm(width * Expansion, weight: zeroInit ? 0 : 1);
        _shortcut = Shortcut(inputDim, width * Expansion, stride);
        RegisterComponents();
    }

    /// <summary>A convolution without bias that keeps the size but for its stride, started as torchvision does (He, fan out).</summary>
    public static ConvolutionLayer Convolution(int inputDim, int outputDim, int kernel, int stride = 1)
    {
        var convolution = new ConvolutionLayer(inputDim, outputDim, kernel, stride, padding: kernel / 2, hasBias: false);
        nn.init.kaiming_normal_(convolution.Weight, mode: nn.init.FanInOut.FanOut, nonlinearity: nn.init.NonlinearityType.ReLU);
        return convolution;
    }

    /// <summary>The projection that fits a block's input to its output; null where they have one shape.</summary>
    public static Sequential? Shortcut(int inputDim, int outputDim, int stride) => stride == 1 && inputDim == outputDim
        ? null
        : nn.Sequential(Convolution(inputDim, outputDim, kernel: 1, stride), new BatchNorm(outputDim));

    /// <param name="maps">// [B, C, H, W]</param>
    /// <returns>// [B, 4 width, H/stride, W/stride]</returns>
    public override Tensor forward(Tensor maps)
    {
        using var scope = NewDisposeScope();
        var inner = nn.functional.relu(_reduceNorm.forward(_reduce.forward(maps)));
        inner = nn.functional.relu(_spatialNorm.forward(_spatial.forward(inner)));
        var shortcut = _shortcut is null ? maps : _shortcut.forward(maps);
        return nn.functional.relu(_expandNorm.forward(_expand.forward(inner)) + shortcut).MoveToOuterDisposeScope();
    }
}
