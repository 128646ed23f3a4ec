using DinoSharp.Models.Gradients;
using DinoSharp.Models.Layers;
using DinoSharp.Models.Products;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>x + scale (y Wᵀ + b), where y has the rows whose branch is kept; the others are x.</summary>
internal static unsafe class ResidualLinear
{
    /// <param name="tokens">x // [T, D]</param>
    /// <param name="branch">y // [T', in]</param>
    /// <param name="linear">W and b // [D, in], [D]</param>
    /// <param name="rows">that are kept; null: all. This disposes it.</param>
    /// <returns>// [T, D]</returns>
    public static Tensor Of(Tensor tokens, Tensor branch, LinearLayer linear, KeptRows? rows)
    {
        using var scope = NewDisposeScope();
        var (laid, laidBranch) = (tokens.contiguous(), branch.contiguous());
        if (Function.IsWanted(laid, laidBranch, linear.Weight, linear.Bias))
        {
            return Function.apply(laid, laidBranch, linear.Weight, linear.Bias, rows!).MoveToOuterDisposeScope();
        }

        using (rows)
        {
            return Forward(laid, laidBranch, linear.Weight, linear.Bias, rows).MoveToOuterDisposeScope();
        }
    }

    private static Tensor Forward(Tensor tokens, Tensor branch, Tensor weight, Tensor bias, KeptRows? rows)
    {
        using var panels = RowProduct.LayOut(weight, transposed: true);
        var output = empty(tokens.shape);
        var job = Job.Of(branch, panels, tokens.size(1), rows);
        job.Tokens = Floats.Of(tokens);
        job.Bias = Floats.Of(bias);
        job.Output = Floats.Of(output);
        using var scratch = empty(get_num_threads() * RowParts.MostRows * job.Dim);
        job.Scratch = Floats.Of(scratch);
        TorchThreads.Run(job.Rows.All, &ForwardPart, &job);
        return output;
    }

    private static void ForwardPart(void* state, int part, int thread)
    {
        var job = (Job*)state;
        nint dim = job->Dim;
        if (part >= job->Rows.Kept)
        {
            job->Rows.CopyDropped(part, job->Tokens, job->Output, dim);
            return;
        }

        var (first, count) = job->Rows.Range(part);
        float* product = job->Scratch + thread * RowParts.MostRows * dim;
        RowProduct.Multiply(job->Branch + first * job->Inputs, count, job->Inputs, job->Panels, dim, job->Bias, product);
        for (nint r = 0; r < count; r++)
        {
            nint row = job->Rows.Row(first + r) * dim;
            RowSum.Of(job->Tokens + row, product + r * dim, job->Rows.Scale, dim, job->Output + row);
        }
    }

    private static List<Tensor?> Backward(Tensor branch, Tensor weight, KeptRows? rows, Tensor gradient)
    {
        var panels = RowProduct.LayOut(weight, transposed: false);
        var job = Job.Of(branch, panels, gradient.size(1), rows);
        var (ofBranch, ofProduct) = (job.Rows.Room(job.Inputs), job.Rows.Room(job.Dim));
        job.Tokens = Floats.Of(gradient);
        job.Output = Floats.Of(ofBranch);
        job.Scratch = Floats.Of(ofProduct);
        TorchThreads.Run(job.Rows.Kept, &BackwardPart, &job);
        var (ofWeight, ofBias) = WeightGradient.Of(ofProduct, branch);
        return [gradient.alias(), ofBranch, ofWeight, ofBias, null];
    }

    private static void BackwardPart(void* state, int part, int thread)
    {
        var job = (Job*)state;
        nint dim = job->Dim;
        var (first, count) = job->Rows.Range(part);
        float* ofProduct = job->Scratch + first * dim;
        for (nint r = 0; r < count; r++)
        {
            RowSum.Scaled(job->Tokens + job->Rows.Row(first + r) * dim, job->Rows.Scale, dim, ofProduct + r * dim);
        }

        RowProduct.Multiply(ofProduct, count, dim, job->Panels, job->Inputs, null, job->Output + first * job->Inputs);
    }

    private struct Job
    {
        public RowParts Rows;
        public float* Tokens, Branch, Panels, Bias, Output, Scratch;
        public nint Dim, Inputs;

        public static Job Of(Tensor branch, Tensor panels, long dim, KeptRows? rows) => new()
        {
            Rows = KeptRows.Parts(rows, branch.size(0)),
            Branch = Floats.Of(branch),
            Panels = Floats.Of(panels),
            Dim = (nint)dim,
            Inputs = (nint)branch.size(1),
        };
    }

    private sealed class Function : ReleasingFunction<Function, Inputs>
    {
        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (tokens, branch, weight, bias, rows) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2], (Tensor)vars[3], (KeptRows?)vars[4]);
            Save(ctx, new Inputs(Keep(branch), weight, rows));
            return Forward(tokens, branch, weight, bias, rows);
        }

        protected override List<Tensor?> Backward(Inputs saved, Tensor gradient) =>
            ResidualLinear.Backward(saved.Branch, saved.Weight, saved.Rows, gradient.contiguous());
    }

    private sealed record Inputs(Tensor Branch, Tensor Weight, KeptRows? Rows) : IDisposable
    {
        public void Dispose()
        {
            Branch.Dispose();
            Rows?.Dispose();
        }
    }
}
