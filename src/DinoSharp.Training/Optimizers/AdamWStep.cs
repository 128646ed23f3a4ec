using System.Numerics;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace DinoSharp.Training.Optimizers;

/// <summary>
/// One step of AdamW (arXiv 1711.05101, algorithm 2): θ ← θ (1 − η λ) − η m̂ / (√v̂ + ε). The same in two forms: one pass over memory, which is all
/// that it takes on the CPU, and torch's operations for tensors elsewhere.
/// </summary>
internal readonly struct AdamWStep
{
    public const double Beta1 = 0.9;
    public const double Beta2 = 0.999;
    public const double Epsilon = 1e-8;

    private readonly double _kept; // 1 − η λ
    private readonly double _rate; // η / (1 − β1ᵗ)
    private readonly double _rootOfCorrection; // √(1 − β2ᵗ)

    /// <param name="learningRate">η</param>
    /// <param name="weightDecay">λ</param>
    /// <param name="count">t, this step counted</param>
    public AdamWStep(double learningRate, double weightDecay, long count)
    {
        _kept = 1 - learningRate * weightDecay;
        _rate = learningRate / (1 - Math.Pow(Beta1, count));
        _rootOfCorrection = Math.Sqrt(1 - Math.Pow(Beta2, count));
    }

    /// <summary>Moves numbers of a parameter and what is remembered of them.</summary>
    public void Move(Span<float> parameter, ReadOnlySpan<float> gradient, Span<float> mean, Span<float> square)
    {
        var p = MemoryMarshal.Cast<float, Vector<float>>(parameter);
        var g = MemoryMarshal.Cast<float, Vector<float>>(gradient);
        var m = MemoryMarshal.Cast<float, Vector<float>>(mean);
        var v = MemoryMarshal.Cast<float, Vector<float>>(square);
        var (kept, rate, root) = (new Vector<float>((float)_kept), new Vector<float>((float)_rate), new Vector<float>((float)(1 / _rootOfCorrection)));
        var (fresh1, beta2, fresh2) = (new Vector<float>((float)(1 - Beta1)), new Vector<float>((float)Beta2), new Vector<float>((float)(1 - Beta2)));
        var epsilon = new Vector<float>((float)Epsilon);
        for (int i = 0; i < p.Length; i++)
        {
            m[i] += (g[i] - m[i]) * fresh1;
            v[i] = v[i] * beta2 + g[i] * g[i] * fresh2;
            p[i] = p[i] * kept - rate * (m[i] / (Vector.SquareRoot(v[i]) * root + epsilon));
        }

        for (int i = p.Length * Vector<float>.Count; i < parameter.Length; i++)
        {
            mean[i] += (gradient[i] - mean[i]) * (float)(1 - Beta1);
            square[i] = square[i] * (float)Beta2 + gradient[i] * gradient[i] * (float)(1 - Beta2);
            parameter[i] = parameter[i] * (float)_kept
                - (float)_rate * (mean[i] / (MathF.Sqrt(square[i]) * (float)(1 / _rootOfCorrection) + (float)Epsilon));
        }
    }

    /// <summary>The same by torch's operations.</summary>
    public void Move(Tensor parameter, Tensor gradient, Tensor mean, Tensor square)
    {
        using var scope = NewDisposeScope();
        parameter.mul_(_kept);
        mean.lerp_(gradient, 1 - Beta1);
        square.mul_(Beta2).addcmul_(gradient, gradient, value: 1 - Beta2);
        parameter.addcdiv_(mean, square.sqrt().div_(_rootOfCorrection).add_(Epsilon), value: -_rate);
    }
}
