using DinoSharp.Models.Gradients;
using DinoSharp.Models.Layers;
using DinoSharp.Models.Products;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>norm(x) Wᵀ + b for the rows that are kept, in one pass over memory; the backward pass normalises again.</summary>
internal static unsafe class NormedLinear
{
    /// <param name="tokens">x // [T, D]</param>
    /// <param name="norm">before the product</param>
    /// <param name="linear">W and b // [out, D], [out]</param>
    /// <param name="rows">that are kept; null: all. This disposes it.</param>
    /// <returns>// [T', out]</returns>
    public static Tensor Of(Tensor tokens, LayerNorm norm, LinearLayer linear, KeptRows? rows)
    {
        using var scope = NewDisposeScope();
        var laid = tokens.contiguous();
        if (Function.IsWanted(laid, norm.weight!, norm.bias!, linear.Weight, linear.Bias))
        {
            return Function.apply(laid, norm.weight!, norm.bias!, linear.Weight, linear.Bias, rows!).MoveToOuterDisposeScope();
        }

        using (rows)
        {
            return Forward(laid, new(norm.weight!, norm.bias!, linear.Weight, linear.Bias), rows).MoveToOuterDisposeScope();
        }
    }

    private static Tensor Forward(Tensor tokens, Weights weights, KeptRows? rows)
    {
        using var panels = RowProduct.LayOut(weights.Linear, transposed: true);
        var job = Job.Of(tokens, weights, rows, panels);
        var output = job.Rows.Room(job.Outputs);
        job.Output = Floats.Of(output);
        job.Bias = Floats.Of(weights.Bias);
        using var scratch = empty(get_num_threads() * RowParts.MostRows * job.Dim);
        job.Scratch = Floats.Of(scratch);
        TorchThreads.Run(job.Rows.Kept, &ForwardPart, &job);
        return output;
    }

    private static void ForwardPart(void* state, int part, int thread)
    {
        var job = (Job*)state;
        var (first, count) = job->Rows.Range(part);
        float* normed = job->Scratch + thread * RowParts.MostRows * job->Dim;
        for (nint r = 0; r < count; r++)
        {
            RowNorm.Of(job->Tokens + job->Rows.Row(first + r) * job->Dim, job->Dim, job->Norm, job->NormBias, normed + r * job->Dim);
        }

        RowProduct.Multiply(normed, count, job->Dim, job->Panels, job->Outputs, job->Bias, job->Output + first * job->Outputs);
    }

    private static List<Tensor?> Backward(Tensor tokens, Weights weights, KeptRows? rows, Tensor gradient)
    {
        var ofTokens = empty(tokens.shape);
        var panels = RowProduct.LayOut(weights.Linear, transposed: false);
        var job = Job.Of(tokens, weights, rows, panels);
        var normed = job.Rows.Room(job.Dim);
        var ofNorm = zeros(job.Rows.Kept, 2, job.Dim);
        var scratch = empty(get_num_threads() * RowParts.MostRows * job.Dim);
        job.Gradient = Floats.Of(gradient);
        job.Output = Floats.Of(ofTokens);
        job.Normed = Floats.Of(normed);
        job.OfNorm = Floats.Of(ofNorm);
        job.Scratch = Floats.Of(scratch);
        TorchThreads.Run(job.Rows.All, &BackwardPart, &job);
        var (ofLinear, ofBias) = WeightGradient.Of(gradient, normed);
        var sums = ofNorm.sum([0L]).unbind(0); // of weight and bias // [D], [D]
        return [ofTokens, sums[0], sums[1], ofLinear, ofBias, null];
    }

    private static void BackwardPart(void* state, int part, int thread)
    {
        var job = (Job*)state;
        nint dim = job->Dim;
        if (part >= job->Rows.Kept)
        {
            job->Rows.ClearDropped(part, job->Output, dim);
            return;
        }

        var (first, count) = job->Rows.Range(part);
        float* ofNormed = job->Scratch + thread * RowParts.MostRows * dim;
        RowProduct.Multiply(job->Gradient + first * job->Outputs, count, job->Outputs, job->Panels, dim, null, ofNormed);
        float* ofNorm = job->OfNorm + part * 2 * dim;
        for (nint r = 0; r < count; r++)
        {
            nint row = job->Rows.Row(first + r) * dim;
            RowNorm.Backward(
                job->Tokens + row, dim, job->Norm, job->NormBias, ofNormed + r * dim, past: null, job->Output + row, job->Normed + (first + r) * dim, ofNorm,
                ofNorm + dim);
        }
    }

    private readonly record struct Weights(Tensor Norm, Tensor NormBias, Tensor Linear, Tensor Bias);

    private struct Job
    {
        public RowParts Rows;
        public float* Tokens, Gradient, Output, Norm, NormBias, Panels, Bias, Scratch, Normed, OfNorm;
        public nint Dim, Outputs;

        public static Job Of(Tensor tokens, Weights weights, KeptRows? rows, Tensor panels) => new()
        {
            Rows = KeptRows.Parts(rows, tokens.size(0)),
            Tokens = Floats.Of(tokens),
            Norm = Floats.Of(weights.Norm),
            NormBias = Floats.Of(weights.NormBias),
            Panels = Floats.Of(panels),
            Dim = (nint)tokens.size(1),
            Outputs = (nint)weights.Linear.size(0),
        };
    }

    private sealed class Function : ReleasingFunction<Function, Inputs>
    {
        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (tokens, rows) = ((Tensor)vars[0], (KeptRows?)vars[5]);
            var weights = new Weights((Tensor)vars[1], (Tensor)vars[2], (Tensor)vars[3], (Tensor)vars[4]);
            Save(ctx, new Inputs(Keep(tokens), weights, rows));
            return Forward(tokens, weights, rows);
        }

        protected override List<Tensor?> Backward(Inputs saved, Tensor gradient) =>
            NormedLinear.Backward(saved.Tokens, saved.Weights, saved.Rows, gradient.contiguous());
    }

    private sealed record Inputs(Tensor Tokens, Weights Weights, KeptRows? Rows) : IDisposable
    {
        public void Dispose()
        {
            Tokens.Dispose();
            Rows?.Dispose();
        }
    }
}
