using DinoSharp.Models.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>
/// Exchange between neighbouring tokens of an XCiT (arXiv 2106.09681, section 3.3): depthwise 3x3 convolution, GELU, batch norm, depthwise 3x3
/// convolution.
/// </summary>
internal sealed class LocalPatchInteraction : nn.Module
{
    [ComponentName(Name = "conv1")]
    private readonly ConvolutionLayer _first;
    [ComponentName(Name = "bn")]
    private readonly BatchNorm _norm;
    [ComponentName(Name = "conv2")]
    private readonly ConvolutionLayer _second;

    public LocalPatchInteraction(int embedDim)
        : base(nameof(LocalPatchInteraction))
    {
        _first = new ConvolutionLayer(embedDim, embedDim, 3, padding: 1, groups: embedDim);
        _norm = new BatchNorm(embedDim);
        _second = new ConvolutionLayer(embedDim, embedDim, 3, padding: 1, groups: embedDim);
        RegisterComponents();
    }

    /// <param name="tokens">// [B, N, D]</param>
    /// <param name="height">rows of the grid the tokens lie on</param>
    /// <param name="width">columns of it; height · width = N</param>
    /// <returns>// [B, N, D]</returns>
    public Tensor Forward(Tensor tokens, long height, long width)
    {
        using var scope = NewDisposeScope();
        var maps = tokens.transpose(1, 2).unflatten(2, height, width); // [B, D, H', W'], the channels next to each other in memory
        maps = _second.forward(_norm.forward(nn.functional.gelu(_first.forward(maps))));
        return maps.flatten(2).transpose(1, 2).MoveToOuterDisposeScope();
    }
}
