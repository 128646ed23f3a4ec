using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Features;

/// <summary>What rows have to be multiplied with to be of length 1.</summary>
internal static class RowScales
{
    private const long BlockValues = 1 << 22;

    /// <summary>torch.nn.functional.normalize's: what is shorter is divided by this.</summary>
    private const float ShortestLength = 1e-12f;

    /// <param name="rows">float32, contiguous // [N, D]</param>
    /// <param name="what">what the rows are, for the error</param>
    /// <returns>1 over each row's length, on the rows' device // float32 [N]</returns>
    /// <exception cref="EvaluationException">A value is not finite.</exception>
    public static Tensor Of(Tensor rows, string what)
    {
        using var scope = NewDisposeScope();
        long count = rows.size(0), atOnce = Math.Max(1, BlockValues / Math.Max(1, rows.size(1)));
        var scales = empty(count, dtype: ScalarType.Float32, device: rows.device); // [N]
        bool finite = true;
        for (long start = 0; start < count && finite; start += atOnce)
        {
            using var blockScope = NewDisposeScope();
            long length = Math.Min(atOnce, count - start);
            var (block, into) = (rows.narrow(0, start, length), scales.narrow(0, start, length)); // [n, D], [n]
            if (rows.device_type == DeviceType.CPU)
            {
                finite = Fill(block, into);
            }
            else
            {
                using var lengths = linalg.vector_norm(block, 2, [1]); // [n]
                into.copy_(lengths.clamp_min(ShortestLength).reciprocal());
                finite = lengths.isfinite().all().item<bool>();
            }
        }

        return finite
            ? scales.MoveToOuterDisposeScope()
            : throw new EvaluationException($"the {what} hold values that are not finite: the weights diverged or are not this backbone's");
    }

    /// <summary>In one pass over the memory.</summary>
    /// <returns>whether all lengths are finite</returns>
    private static bool Fill(Tensor block, Tensor scales)
    {
        int dim = (int)block.size(1);
        ReadOnlySpan<float> values = Floats(block);
        Span<float> into = Floats(scales);
        bool finite = true;
        for (int row = 0; row < into.Length; row++)
        {
            float length = MathF.Sqrt(SquareSum(values.Slice(row * dim, dim)));
            into[row] = 1 / MathF.Max(length, ShortestLength);
            finite &= float.IsFinite(length);
        }

        return finite;
    }

    private static float SquareSum(ReadOnlySpan<float> values)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        var sums = Vector<float>.Zero;
        foreach (var vector in vectors)
        {
            sums += vector * vector;
        }

        float sum = Vector.Sum(sums);
        foreach (float value in values[(vectors.Length * Vector<float>.Count)..])
        {
            sum += value * value;
        }

        return sum;
    }

    /// <summary>The memory of a contiguous tensor on the CPU, which is torch's own and does not move.</summary>
    internal static unsafe Span<float> Floats(Tensor tensor) =>
        new(Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.bytes)), checked((int)tensor.NumberOfElements));
}
