using System.Globalization;
using DinoSharp.Models.Products;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Benchmarks;

/// <summary>The products of a linear layer and its gradients, bias included, by our kernel and by torch, in turns with a 2048 x 2048 product of torch's.</summary>
internal static class Products
{
    private const int Rounds = 15;
    private const int Side = 2048;

    private static readonly (int Rows, int Inputs, int Outputs)[] Shapes =
    [
        (14848, 192, 576), (14848, 192, 192), (14848, 192, 768), (14848, 768, 192), (4488, 384, 1152), (4488, 384, 1536), (4488, 1536, 384),
    ];

    public static void Run()
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var (left, right) = (rand(Side, Side), rand(Side, Side));
        Console.WriteLine("| [T, in], [out, in] | matrix product, GFLOP/s | x Wᵀ + b: torch | ours | g W: torch | ours | gᵀ x, Σ g: torch | ours |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|");
        foreach (var (rows, inputs, outputs) in Shapes)
        {
            var (input, weight, bias, gradient) = (rand(rows, inputs), rand(outputs, inputs), rand(outputs), rand(rows, outputs));
            double[] seconds = Measure.InTurns(
                Rounds,
                () => left.matmul(right).Dispose(),
                () => nn.functional.linear(input, weight, bias).Dispose(),
                () => RowProduct.WithTransposed(input, weight, bias).Dispose(),
                () => gradient.matmul(weight).Dispose(),
                () => RowProduct.With(gradient, weight).Dispose(),
                () =>
                {
                    gradient.t().matmul(input).Dispose();
                    gradient.sum([0L]).Dispose();
                },
                () =>
                {
                    var (ofWeight, ofBias) = WeightGradient.Of(gradient, input);
                    ofWeight.Dispose();
                    ofBias.Dispose();
                });
            double flops = 2.0 * rows * inputs * outputs;
            var rates = seconds.Select((s, i) => (i == 0 ? 2.0 * Side * Side * Side : flops) / s / 1e9);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| [{rows}, {inputs}], [{outputs}, {inputs}] | {string.Join(" | ", rates.Select(rate => rate.ToString("F0", CultureInfo.InvariantCulture)))} |"));
        }
    }
}
