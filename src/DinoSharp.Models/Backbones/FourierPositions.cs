using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>
/// Positions as sines and cosines of row and column, projected to the length of a token (arXiv 2106.09681, section 3.3; the encoding is that of
/// arXiv 1706.03762 an axis). Rows and columns are parts of the whole picture, so a grid of any size is encoded.
/// </summary>
internal sealed class FourierPositions : nn.Module
{
    /// <summary>Values an axis: sine and cosine of half as many wavelengths.</summary>
    public const int AxisDim = 32;

    private const double Temperature = 10000;
    private const double Epsilon = 1e-6;

    [ComponentName(Name = "token_projection")]
    private readonly Conv2d _projection;

    public FourierPositions(int embedDim)
        : base(nameof(FourierPositions))
    {
        _projection = nn.Conv2d(2 * AxisDim, embedDim, 1);
        RegisterComponents();
    }

    /// <param name="rows">tokens from top to bottom</param>
    /// <param name="columns">tokens from left to right</param>
    /// <returns>// [1, rows · columns, D]</returns>
    public Tensor Forward(long rows, long columns)
    {
        using var scope = NewDisposeScope();
        var device = _projection.weight!.device;
        var encoding = cat(
            [
                Encode(rows, device).unsqueeze(1).expand(-1, columns, -1),
                Encode(columns, device).unsqueeze(0).expand(rows, -1, -1),
            ],
            2); // [rows, columns, 2 AxisDim]
        // A 1x1 convolution is a linear layer of each position.
        var projected = nn.functional.linear(encoding.flatten(0, 1), _projection.weight!.flatten(1), _projection.bias!);
        return projected.unsqueeze(0).MoveToOuterDisposeScope();
    }

    /// <summary>Sine and cosine in turns, the shortest wavelength first.</summary>
    /// <returns>// [count, AxisDim]</returns>
    private static Tensor Encode(long count, Device device)
    {
        var position = arange(1, count + 1, float32, device) / (count + Epsilon) * (2 * Math.PI); // [count]
        var wavelength = pow(Temperature, arange(0, AxisDim, 2, float32, device) / AxisDim); // [AxisDim/2]
        var angle = position.unsqueeze(1) / wavelength;
        return stack([angle.sin(), angle.cos()], 2).flatten(1);
    }
}
