using System.Runtime.Intrinsics;
using DinoSharp.Models.Backbones;

namespace DinoSharp.Models.Products;

/// <summary>Layer norm (arXiv 1607.06450) of one row, whose length is a multiple of 16, and its gradients.</summary>
internal static unsafe class RowNorm
{
    private const float Epsilon = (float)VisionTransformer.NormEpsilon;

    /// <summary>weight (x − mean) / √(variance + ε) + bias</summary>
    public static void Of(float* row, nint length, float* weight, float* bias, float* output)
    {
        var (mean, rate) = Statistics(row, length);
        for (nint i = 0; i < length; i += ProductTile.Lanes)
        {
            var unit = (Vector512.Load(row + i) - Vector512.Create(mean)) * rate;
            (unit * Vector512.Load(weight + i) + Vector512.Load(bias + i)).Store(output + i);
        }
    }

    /// <summary>
    /// With x̂ the row before weight and bias and u = g weight: (u − mean(u) − x̂ mean(u x̂)) / √(variance + ε), added to what came past the branch.
    /// </summary>
    /// <param name="row">x</param>
    /// <param name="length">of it</param>
    /// <param name="weight">of the norm</param>
    /// <param name="bias">of the norm</param>
    /// <param name="gradient">g</param>
    /// <param name="past">gradient that came past the branch; null: none</param>
    /// <param name="ofRow">receives the sum</param>
    /// <param name="output">receives what <see cref="Of"/> gave</param>
    /// <param name="ofWeight">g x̂ is added</param>
    /// <param name="ofBias">g is added</param>
    public static void Backward(
        float* row, nint length, float* weight, float* bias, float* gradient, float* past, float* ofRow, float* output, float* ofWeight,
        float* ofBias)
    {
        var (mean, rate) = Statistics(row, length);
        Vector512<float> sum = default, sumWithUnit = default;
        for (nint i = 0; i < length; i += ProductTile.Lanes)
        {
            var unit = (Vector512.Load(row + i) - Vector512.Create(mean)) * rate;
            var given = Vector512.Load(gradient + i);
            var weighed = given * Vector512.Load(weight + i);
            sum += weighed;
            sumWithUnit += weighed * unit;
            (unit * Vector512.Load(weight + i) + Vector512.Load(bias + i)).Store(output + i);
            (Vector512.Load(ofWeight + i) + given * unit).Store(ofWeight + i);
            (Vector512.Load(ofBias + i) + given).Store(ofBias + i);
        }

        var (meanGradient, meanWithUnit) = (Vector512.Sum(sum) / length, Vector512.Sum(sumWithUnit) / length);
        for (nint i = 0; i < length; i += ProductTile.Lanes)
        {
            var unit = (Vector512.Load(row + i) - Vector512.Create(mean)) * rate;
            var weighed = Vector512.Load(gradient + i) * Vector512.Load(weight + i);
            var own = (weighed - Vector512.Create(meanGradient) - unit * meanWithUnit) * rate;
            (past == null ? own : Vector512.Load(past + i) + own).Store(ofRow + i);
        }
    }

    private static (float Mean, float Rate) Statistics(float* row, nint length)
    {
        var sum = Vector512<float>.Zero;
        for (nint i = 0; i < length; i += ProductTile.Lanes)
        {
            sum += Vector512.Load(row + i);
        }

        float mean = Vector512.Sum(sum) / length;
        var squares = Vector512<float>.Zero;
        for (nint i = 0; i < length; i += ProductTile.Lanes)
        {
            var difference = Vector512.Load(row + i) - Vector512.Create(mean);
            squares += difference * difference;
        }

        return (mean, 1 / MathF.Sqrt(Vector512.Sum(squares) / length + Epsilon));
    }
}
