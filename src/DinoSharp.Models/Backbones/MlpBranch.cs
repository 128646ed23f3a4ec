using DinoSharp.Models.Gradients;
using DinoSharp.Models.Products;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>
/// x + scale · mlp(norm(x)) in one pass over memory: a part of the rows goes through norm, both products and GELU while it lies in the processor's
/// second cache (<see cref="ProductTile"/>). Only what is before GELU is kept for the backward pass, which computes the rest again.
/// </summary>
internal static unsafe class MlpBranch
{
    /// <param name="tokens">x // [T, D]</param>
    /// <param name="norm">before the MLP</param>
    /// <param name="mlp">of the branch</param>
    /// <param name="rows">whose branch is kept; null: all. The branch disposes it.</param>
    /// <returns>// [T, D]</returns>
    public static Tensor Of(Tensor tokens, LayerNorm norm, Mlp mlp, KeptRows? rows)
    {
        using var scope = NewDisposeScope();
        var weights = new Weights(norm.weight!, norm.bias!, mlp.Expand.Weight, mlp.Expand.Bias, mlp.Contract.Weight, mlp.Contract.Bias);
        var laid = tokens.contiguous();
        if (Function.IsWanted(laid, weights.Norm, weights.NormBias, weights.Expand, weights.ExpandBias, weights.Contract, weights.ContractBias))
        {
            return Function.apply(
                laid, weights.Norm, weights.NormBias, weights.Expand, weights.ExpandBias, weights.Contract, weights.ContractBias, rows!).MoveToOuterDisposeScope();
        }

        using (rows)
        {
            return Forward(laid, weights, rows, hidden: null).MoveToOuterDisposeScope();
        }
    }

    /// <param name="hidden">receives what is before GELU; null: not kept // [T', hidden]</param>
    private static Tensor Forward(Tensor tokens, Weights weights, KeptRows? rows, Tensor? hidden)
    {
        var output = empty(tokens.shape);
        using var expand = RowProduct.LayOut(weights.Expand, transposed: true);
        using var contract = RowProduct.LayOut(weights.Contract, transposed: true);
        var job = Job.Of(tokens, weights, rows, expand, contract);
        job.Output = Floats.Of(output);
        job.Hidden = hidden is null ? null : Floats.Of(hidden);
        job.ScratchOfThread = RowParts.MostRows * 2 * (job.Dim + job.HiddenDim);
        using var scratch = empty(get_num_threads() * job.ScratchOfThread);
        job.Scratch = Floats.Of(scratch);
        TorchThreads.Run(job.Rows.All, &ForwardPart, &job);
        return output;
    }

    private static void ForwardPart(void* state, int part, int thread)
    {
        var job = (Job*)state;
        nint dim = job->Dim, hiddenDim = job->HiddenDim;
        if (part >= job->Rows.Kept)
        {
            job->Rows.CopyDropped(part, job->Tokens, job->Output, dim);
            return;
        }

        var (first, count) = job->Rows.Range(part);
        float* normed = job->Scratch + thread * job->ScratchOfThread;
        float* branch = normed + RowParts.MostRows * dim, activated = branch + RowParts.MostRows * dim;
        float* hidden = job->Hidden == null ? activated + RowParts.MostRows * hiddenDim : job->Hidden + first * hiddenDim;
        for (nint r = 0; r < count; r++)
        {
            RowNorm.Of(job->Tokens + job->Rows.Row(first + r) * dim, dim, job->Norm, job->NormBias, normed + r * dim);
        }

        RowProduct.Multiply(normed, count, dim, job->Expand, hiddenDim, job->ExpandBias, hidden);
        GaussianLinearUnit.Of(hidden, count * hiddenDim, activated);
        RowProduct.Multiply(activated, count, hiddenDim, job->Contract, dim, job->ContractBias, branch);
        for (nint r = 0; r < count; r++)
        {
            nint row = job->Rows.Row(first + r) * dim;
            RowSum.Of(job->Tokens + row, branch + r * dim, job->Rows.Scale, dim, job->Output + row);
        }
    }

    /// <param name="hidden">what is before GELU, and then after it // [T', hidden]</param>
    private static List<Tensor?> Backward(Tensor tokens, Weights weights, KeptRows? rows, Tensor hidden, Tensor gradient)
    {
        var ofTokens = empty(tokens.shape);
        var expand = RowProduct.LayOut(weights.Expand, transposed: false);
        var contract = RowProduct.LayOut(weights.Contract, transposed: false);
        var job = Job.Of(tokens, weights, rows, expand, contract);
        var (ofBranch, normed, ofHidden) = (job.Rows.Room(job.Dim), job.Rows.Room(job.Dim), job.Rows.Room(job.HiddenDim));
        var ofNorm = zeros(job.Rows.Kept, 2, job.Dim);
        job.Gradient = Floats.Of(gradient);
        job.Output = Floats.Of(ofTokens);
        job.Hidden = Floats.Of(hidden);
        job.OfBranch = Floats.Of(ofBranch);
        job.OfHidden = Floats.Of(ofHidden);
        job.Normed = Floats.Of(normed);
        job.OfNorm = Floats.Of(ofNorm);
        job.ScratchOfThread = RowParts.MostRows * job.Dim;
        var scratch = empty(get_num_threads() * job.ScratchOfThread);
        job.Scratch = Floats.Of(scratch);
        TorchThreads.Run(job.Rows.All, &BackwardPart, &job);
        var (ofContract, ofContractBias) = WeightGradient.Of(ofBranch, hidden);
        var (ofExpand, ofExpandBias) = WeightGradient.Of(ofHidden, normed);
        var sums = ofNorm.sum([0L]).unbind(0); // of weight and bias // [D], [D]
        return [ofTokens, sums[0], sums[1], ofExpand, ofExpandBias, ofContract, ofContractBias, null];
    }

    private static void BackwardPart(void* state, int part, int thread)
    {
        var job = (Job*)state;
        nint dim = job->Dim, hiddenDim = job->HiddenDim;
        if (part >= job->Rows.Kept)
        {
            job->Rows.CopyDropped(part, job->Gradient, job->Output, dim);
            return;
        }

        var (first, count) = job->Rows.Range(part);
        float* ofBranch = job->OfBranch + first * dim, hidden = job->Hidden + first * hiddenDim, ofHidden = job->OfHidden + first * hiddenDim;
        float* ofNormed = job->Scratch + thread * job->ScratchOfThread;
        for (nint r = 0; r < count; r++)
        {
            RowSum.Scaled(job->Gradient + job->Rows.Row(first + r) * dim, job->Rows.Scale, dim, ofBranch + r * dim);
        }

        RowProduct.Multiply(ofBranch, count, dim, job->Contract, hiddenDim, null, ofHidden);
        GaussianLinearUnit.Backward(hidden, count * hiddenDim, ofHidden);
        RowProduct.Multiply(ofHidden, count, hiddenDim, job->Expand, dim, null, ofNormed);
        float* ofNorm = job->OfNorm + part * 2 * dim;
        for (nint r = 0; r < count; r++)
        {
            nint row = job->Rows.Row(first + r) * dim;
            RowNorm.Backward(
                job->Tokens + row, dim, job->Norm, job->NormBias, ofNormed + r * dim, job->Gradient + row, job->Output + row,
                job->Normed + (first + r) * dim, ofNorm, ofNorm + dim);
        }
    }

    private readonly record struct Weights(Tensor Norm, Tensor NormBias, Tensor Expand, Tensor ExpandBias, Tensor Contract, Tensor ContractBias);

    private struct Job
    {
        public RowParts Rows;
        public float* Tokens, Gradient, Output, Norm, NormBias, Expand, ExpandBias, Contract, ContractBias, Scratch;
        public float* Hidden, OfHidden, OfBranch, Normed, OfNorm;
        public nint Dim, HiddenDim, ScratchOfThread;

        public static Job Of(Tensor tokens, Weights weights, KeptRows? rows, Tensor expand, Tensor contract) => new()
        {
            Rows = KeptRows.Parts(rows, tokens.size(0)),
            Tokens = Floats.Of(tokens),
            Norm = Floats.Of(weights.Norm),
            NormBias = Floats.Of(weights.NormBias),
            Expand = Floats.Of(expand),
            ExpandBias = Floats.Of(weights.ExpandBias),
            Contract = Floats.Of(contract),
            ContractBias = Floats.Of(weights.ContractBias),
            Dim = (nint)tokens.size(1),
            HiddenDim = (nint)weights.Expand.size(0),
        };
    }

    private sealed class Function : ReleasingFunction<Function, Activations>
    {
        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var tokens = (Tensor)vars[0];
            var weights = new Weights((Tensor)vars[1], (Tensor)vars[2], (Tensor)vars[3], (Tensor)vars[4], (Tensor)vars[5], (Tensor)vars[6]);
            var rows = (KeptRows?)vars[7];
            var hidden = KeptRows.Parts(rows, tokens.size(0)).Room(weights.Expand.size(0)).DetachFromDisposeScope();
            Save(ctx, new Activations(Keep(tokens), weights, rows, hidden));
            return Forward(tokens, weights, rows, hidden);
        }

        protected override List<Tensor?> Backward(Activations saved, Tensor gradient) =>
            MlpBranch.Backward(saved.Tokens, saved.Weights, saved.Rows, saved.Hidden, gradient.contiguous());
    }

    private sealed record Activations(Tensor Tokens, Weights Weights, KeptRows? Rows, Tensor Hidden) : IDisposable
    {
        public void Dispose()
        {
            Tokens.Dispose();
            Rows?.Dispose();
            Hidden.Dispose();
        }
    }
}
