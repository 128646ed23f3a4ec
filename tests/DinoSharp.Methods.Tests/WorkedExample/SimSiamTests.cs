using DinoSharp.Methods.SimSiam;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests.WorkedExample;

/// <summary>The method that docs/methods/adding-a-method.md adds step by step.</summary>
public sealed class SimSiamTests
{
    private static readonly SimSiamOptions Small = new() { ProjectionDim = 8, PredictorDim = 4 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_moves_resumes_to_the_bit_and_leaves_no_tensor(bool residual) => MethodChecks.Hold(Small, residual: residual);

    [Fact]
    public void The_loss_is_the_formula_and_no_gradient_goes_to_the_projections()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        Tensor p = randn(4, 3, requires_grad: true), z = randn(4, 3, requires_grad: true);
        var loss = SimSiamLoss.Of(p, z);
        loss.backward();
        var (predictions, projections) = (p.data<float>().ToArray(), z.data<float>().ToArray());
        double expected = -Enumerable.Range(0, 4).Average(i => Cosine(predictions.AsSpan(3 * i, 3), projections.AsSpan(3 * i, 3)));
        Assert.Equal(expected, loss.item<float>(), 1e-6);
        Assert.NotNull(p.grad);
        Assert.Null(z.grad);
    }

    [Theory]
    [InlineData("SimSiamOptions.cs")]
    [InlineData("SimSiamLoss.cs")]
    [InlineData("SimSiamMethod.cs")]
    [InlineData("SimSiamDefinition.cs")]
    public void The_page_shows_the_code_that_is_tested(string file)
    {
        string page = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", "adding-a-method.md")).ReplaceLineEndings("\n");
        string code = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "WorkedExample", file)).ReplaceLineEndings("\n");
        Assert.Contains($"```csharp\n{code}```", page, StringComparison.Ordinal);
    }

    private static double Cosine(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double product = 0, squaresA = 0, squaresB = 0;
        for (int i = 0; i < a.Length; i++)
        {
            product += (double)a[i] * b[i];
            squaresA += (double)a[i] * a[i];
            squaresB += (double)b[i] * b[i];
        }

        return product / Math.Sqrt(squaresA * squaresB);
    }
}
