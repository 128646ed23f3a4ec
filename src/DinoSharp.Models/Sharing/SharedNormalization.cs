using DinoSharp.Distributed;
using DinoSharp.Models.Gradients;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models;

/// <summary>Channels of mean 0 and variance 1 over a batch that processes share, equally many images each.</summary>
internal static class SharedNormalization
{
    /// <summary>Mean and variance of each channel over the whole batch; no gradient goes there.</summary>
    /// <param name="group">the processes</param>
    /// <param name="input">this process's images // [B, C, ...]</param>
    /// <returns>float32, or of float64 that // [C], [C]</returns>
    public static (Tensor Mean, Tensor Variance) Statistics(ProcessGroup group, Tensor input)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var wide = Wide(input);
        var (ownVariance, ownMean) = var_mean(wide, Others(input), unbiased: false); // [C]

        // The whole's variance is the mean variance and the variance of the means; in float64, for means may be large against it.
        var (mean, variance) = (ownMean.to(ScalarType.Float64), ownVariance.to(ScalarType.Float64));
        var sums = stack([mean, mean.square(), variance]); // [3, C]
        group.Sum(sums);
        sums.div_(group.Size);
        mean = sums[0];
        variance = sums[2] + (sums[1] - mean.square()).clamp_min_(0);
        return (mean.to(wide.dtype).MoveToOuterDisposeScope(), variance.to(wide.dtype).MoveToOuterDisposeScope());
    }

    /// <summary>(x − mean) / √(variance + ε), through whose statistics gradients of all processes flow.</summary>
    /// <param name="group">the processes</param>
    /// <param name="input">this process's images // [B, C, ...]</param>
    /// <param name="mean">as <see cref="Statistics"/> gave it // [C]</param>
    /// <param name="variance">as <see cref="Statistics"/> gave it // [C]</param>
    /// <param name="epsilon">ε</param>
    /// <returns>the input's shape</returns>
    public static Tensor Of(ProcessGroup group, Tensor input, Tensor mean, Tensor variance, double epsilon)
    {
        if (!Function.IsWanted(input))
        {
            return Forward(input, mean, variance, epsilon);
        }

        using var scope = NewDisposeScope();
        return Function.apply(input, mean, variance, epsilon, group).MoveToOuterDisposeScope();
    }

    private static Tensor Forward(Tensor input, Tensor mean, Tensor variance, double epsilon) =>
        nn.functional.batch_norm(input, mean, variance, training: false, eps: epsilon);

    /// <summary>Statistics are of float32 at least.</summary>
    private static Tensor Wide(Tensor values) => values.dtype == ScalarType.Float64 ? values : values.to(ScalarType.Float32);

    /// <summary>All axes but the channels'.</summary>
    private static long[] Others(Tensor input) => [.. Enumerable.Range(0, (int)input.dim()).Where(axis => axis != 1)];

    private sealed class Function : ReleasingFunction<Function, Pass>
    {
        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            using var scope = NewDisposeScope();
            var (input, mean, variance) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2]);
            double epsilon = (double)vars[3];
            Save(ctx, new Pass(Keep(input), Keep(mean), Keep((variance + epsilon).rsqrt()), (ProcessGroup)vars[4]));
            return Forward(input, mean, variance, epsilon).MoveToOuterDisposeScope();
        }

        /// <summary>With x̂ the output and means over the whole batch: (g − mean(g) − x̂ mean(g x̂)) / √(variance + ε).</summary>
        protected override List<Tensor?> Backward(Pass saved, Tensor gradient)
        {
            var (input, mean, rate, group) = saved;
            long[] others = Others(input), shape = [1, input.size(1), .. Enumerable.Repeat(1L, (int)input.dim() - 2)];
            var given = Wide(gradient);
            var unit = (input - mean.view(shape)).mul_(rate.view(shape));
            var sums = stack([given.sum(others), (given * unit).sum(others)]).to(ScalarType.Float64); // [2, C]
            group.Sum(sums);
            var means = (sums / ((double)input.numel() / input.size(1) * group.Size)).to(given.dtype);
            var ofInput = given.sub(means[0].view(shape)).sub_(unit.mul_(means[1].view(shape))).mul_(rate.view(shape));
            return [ofInput.to(input.dtype), null, null, null, null];
        }
    }

    private sealed record Pass(Tensor Input, Tensor Mean, Tensor Rate, ProcessGroup Group) : IDisposable
    {
        public void Dispose()
        {
            Input.Dispose();
            Mean.Dispose();
            Rate.Dispose();
        }
    }
}
