using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Models.Layers;

/// <summary>A convolution that multiplies in the precision in use (<see cref="MixedPrecision"/>). Names and starting values are PyTorch's.</summary>
public sealed class ConvolutionLayer : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight; // [out, in / groups, kernel, kernel]
    [ComponentName(Name = "bias")]
    private readonly Parameter? _bias; // [out]

    private readonly long _kernel;
    private readonly long _stride;
    private readonly long _padding;
    private readonly long _groups;

    /// <param name="inputDim">channels of an input</param>
    /// <param name="outputDim">channels of an output</param>
    /// <param name="kernel">side of the kernel</param>
    /// <param name="stride">step of the kernel in both directions</param>
    /// <param name="padding">zeros around the input</param>
    /// <param name="groups">groups of channels that do not mix</param>
    /// <param name="hasBias">whether something is added to the product</param>
    public ConvolutionLayer(
        long inputDim, long outputDim, long kernel, long stride = 1, long padding = 0, long groups = 1, bool hasBias = true)
        : base(nameof(ConvolutionLayer))
    {
        (_kernel, _stride, _padding, _groups) = (kernel, stride, padding, groups);
        using var start = nn.Conv2d(inputDim, outputDim, kernel, stride: stride, padding: padding, groups: groups, bias: hasBias);
        _weight = new Parameter(start.weight!.detach().clone());
        _bias = hasBias ? new Parameter(start.bias!.detach().clone()) : null;
        RegisterComponents();
    }

    /// <summary>// [out, in / groups, kernel, kernel]</summary>
    public Parameter Weight => _weight;

    /// <summary>
    /// Whether each output is of pixels that no other has. OneDNN (3.7, in torch 2.10) computes some of these wrongly, and without a word: with
    /// stride 2 and fewer than 16 channels the weights' gradient, past the end of its memory (uxlfoundation/oneDNN, issue 6035), and with some
    /// numbers of outputs, as 40, 80 and 112, the outputs.
    /// </summary>
    private bool IsProduct => _groups == 1 && _padding == 0 && (_kernel == 1 || _kernel == _stride);

    /// <param name="maps">// [B, in, H, W]</param>
    /// <returns>// [B, out, H', W']</returns>
    public override Tensor forward(Tensor maps)
    {
        using var scope = NewDisposeScope();
        // Of maps narrower than the stride, oneDNN's bfloat16 gradient of the weights holds memory that nobody wrote (torch 2.10).
        var output = maps.device_type == DeviceType.CPU && IsProduct ? Multiply(maps)
            : maps.size(3) < _stride ? MixedPrecision.Round(Convolve(maps.to(float32), _weight, _bias))
            : Convolve(MixedPrecision.Round(maps), MixedPrecision.Round(_weight), _bias is null ? null : MixedPrecision.Round(_bias));
        return output.MoveToOuterDisposeScope();
    }

    private Tensor Convolve(Tensor maps, Tensor weight, Tensor? bias) => nn.functional.conv2d(
        maps, weight, bias, strides: [_stride, _stride], padding: [_padding, _padding], groups: _groups);

    /// <summary>The product of the pixels under the kernel, a row an output, and the weights.</summary>
    private Tensor Multiply(Tensor maps)
    {
        if (_stride > _kernel)
        {
            maps = nn.functional.avg_pool2d(maps, _kernel, _stride); // of single pixels, so it leaves out those between
        }

        long rows = maps.size(2) / _kernel, columns = maps.size(3) / _kernel;
        var pixels = maps[.., .., ..(int)(rows * _kernel), ..(int)(columns * _kernel)]
            .view(maps.size(0), maps.size(1), rows, _kernel, columns, _kernel)
            .permute(0, 2, 4, 1, 3, 5).reshape(maps.size(0) * rows * columns, -1); // [B H' W', in kernel²]
        return MixedPrecision.Linear(pixels, _weight.flatten(1), _bias).view(maps.size(0), rows, columns, -1).permute(0, 3, 1, 2);
    }
}
