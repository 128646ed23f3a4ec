using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>Fits the learned position embedding to the grid of an image of another size, as the reference does.</summary>
internal static class PositionEmbedding
{
    /// <summary>
    /// The grid is resized bicubically by the factor (patches + 0.1) / side an axis. The factor itself, not the ratio of the sizes,
    /// maps coordinates, so an image that is not square is resampled even where it has as many patches as the trained grid.
    /// </summary>
    /// <param name="embedding">class token first // [1, side² + 1, D]</param>
    /// <param name="rows">patches from top to bottom</param>
    /// <param name="columns">patches from left to right</param>
    /// <param name="square">whether the image has as many pixels across as down</param>
    /// <returns>// [1, rows · columns + 1, D]</returns>
    public static Tensor Fit(Tensor embedding, long rows, long columns, bool square)
    {
        long trained = embedding.size(1) - 1;
        if (square && rows * columns == trained)
        {
            return embedding.alias();
        }

        using var scope = NewDisposeScope();
        long side = (long)Math.Sqrt(trained);
        var parts = embedding.split([1, trained], 1);
        var grid = parts[1].reshape(1, side, side, -1).permute(0, 3, 1, 2); // [1, D, side, side]
        double[] factors = [(rows + 0.1) / side, (columns + 0.1) / side];
        var resized = nn.functional.interpolate(grid, scale_factor: factors, mode: InterpolationMode.Bicubic, align_corners: false);
        if (resized.size(2) != rows || resized.size(3) != columns)
        {
            throw new InvalidOperationException($"position embedding came out {resized.size(2)}x{resized.size(3)}, not {rows}x{columns}");
        }

        var flat = resized.permute(0, 2, 3, 1).reshape(1, rows * columns, -1);
        return cat([parts[0], flat], 1).MoveToOuterDisposeScope();
    }
}
