using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace DinoSharp.Models.Products;

/// <summary>
/// The gradients of a linear layer's weight and bias: gᵀ x and the column sums of g. Both factors are laid out anew, a block of rows at a time, so
/// that block, layout and the part of the result that a thread computes stay in its second cache.
/// </summary>
internal static unsafe class WeightGradient
{
    private const int RowsOfBlock = 128;

    /// <param name="gradient">of the layer's output, contiguous // [T, out]</param>
    /// <param name="input">of the layer, contiguous; in is a multiple of 32 // [T, in]</param>
    /// <returns>of the weight and of the bias // [out, in], [out]</returns>
    public static (Tensor Weight, Tensor Bias) Of(Tensor gradient, Tensor input)
    {
        int tiles = (int)((gradient.size(1) + ProductTile.Rows - 1) / ProductTile.Rows);
        using var room = empty(tiles * ProductTile.Rows, input.size(1)); // the last tile may reach beyond the result
        var weight = room.narrow(0, 0, gradient.size(1));
        var bias = empty(gradient.size(1));
        int parts = Math.Min(get_num_threads(), tiles);
        var job = new Job
        {
            Gradient = Floats.Of(gradient),
            Input = Floats.Of(input),
            Weight = Floats.Of(weight),
            Bias = Floats.Of(bias),
            Rows = (nint)input.size(0),
            Outputs = (nint)gradient.size(1),
            Inputs = (nint)input.size(1),
            Tiles = tiles,
            TilesOfPart = (tiles + parts - 1) / parts,
        };
        job.ScratchOfThread = RowsOfBlock * (job.Inputs + job.TilesOfPart * ProductTile.Lanes);
        using var scratch = empty(parts * job.ScratchOfThread);
        job.Scratch = Floats.Of(scratch);
        TorchThreads.Run(parts, &Multiply, &job);
        return (weight, bias);
    }

    /// <summary>Some tiles' rows of the result.</summary>
    private static void Multiply(void* state, int part, int thread)
    {
        var job = (Job*)state;
        nint firstTile = part * job->TilesOfPart, endTile = Math.Min(firstTile + job->TilesOfPart, job->Tiles);
        float* inputs = job->Scratch + thread * job->ScratchOfThread;
        float* gradients = inputs + RowsOfBlock * job->Inputs;
        for (nint row = 0; row < job->Rows; row += RowsOfBlock)
        {
            nint rows = Math.Min(RowsOfBlock, job->Rows - row);
            PanelLayout.Plain(job->Input + row * job->Inputs, job->Inputs, rows, job->Inputs, inputs);
            LayOutGradients(job, row, rows, firstTile, endTile, gradients);
            for (nint tile = firstTile; tile < endTile; tile++)
            {
                float* factors = gradients + (tile - firstTile) * rows * ProductTile.Lanes;
                AddToBias(job, tile, factors, rows, first: row == 0);
                MultiplyTile(job, tile, factors, inputs, rows, first: row == 0);
            }
        }
    }

    private static void MultiplyTile(Job* job, nint tile, float* factors, float* inputs, nint rows, bool first)
    {
        float* sums = job->Weight + tile * ProductTile.Rows * job->Inputs;
        for (nint column = 0; column < job->Inputs; column += ProductTile.Columns)
        {
            ProductTile.Compute(
                factors, 1, ProductTile.Lanes, inputs + column * rows, rows, null, sums + column, job->Inputs, addToSums: !first);
        }
    }

    /// <summary>Rows of the gradient as panels of a tile's 14 columns, each row of a whole vector // [tiles, rows, 16]</summary>
    private static void LayOutGradients(Job* job, nint row, nint rows, nint firstTile, nint endTile, float* to)
    {
        for (nint r = 0; r < rows; r++)
        {
            float* from = job->Gradient + (row + r) * job->Outputs;
            for (nint tile = firstTile; tile < endTile; tile++)
            {
                float* panel = to + ((tile - firstTile) * rows + r) * ProductTile.Lanes;
                nint output = tile * ProductTile.Rows;
                if (output + ProductTile.Lanes <= job->Outputs)
                {
                    Vector512.Load(from + output).Store(panel); // two more than are used
                    continue;
                }

                for (nint lane = 0; lane < ProductTile.Lanes; lane++)
                {
                    panel[lane] = output + lane < job->Outputs ? from[output + lane] : 0;
                }
            }
        }
    }

    private static void AddToBias(Job* job, nint tile, float* factors, nint rows, bool first)
    {
        var sum = Vector512<float>.Zero;
        for (nint r = 0; r < rows; r++)
        {
            sum += Vector512.Load(factors + r * ProductTile.Lanes);
        }

        nint output = tile * ProductTile.Rows, valid = Math.Min(ProductTile.Rows, job->Outputs - output);
        for (int lane = 0; lane < valid; lane++)
        {
            job->Bias[output + lane] = sum[lane] + (first ? 0 : job->Bias[output + lane]);
        }
    }

    private struct Job
    {
        public float* Gradient;
        public float* Input;
        public float* Weight;
        public float* Bias;
        public float* Scratch;
        public nint ScratchOfThread;
        public nint Rows;
        public nint Outputs;
        public nint Inputs;
        public nint Tiles;
        public nint TilesOfPart;
    }
}
