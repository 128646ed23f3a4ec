using DinoSharp.Methods.Swav;
using DinoSharp.Tests;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests.Swav;

public sealed class SinkhornTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Codes_are_the_references(int view)
    {
        using var scope = NewDisposeScope();
        using var golden = Golden.Read("other-methods/losses.safetensors");
        Golden.AssertClose(golden[$"swav.codes{view}"], Sinkhorn.Codes(golden[$"swav.scores{view}"], 0.05, 3), 1e-6, "codes");
    }

    /// <summary>Where exp(score / ε) is far beyond float32 both ways, the codes are still those of float64.</summary>
    [Theory]
    [InlineData(0.05)]
    [InlineData(0.002)]
    public void No_epsilon_overflows(double epsilon)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        var scores = rand(9, 5) * 2 - 1;
        var codes = Sinkhorn.Codes(scores, epsilon, 3);
        double[,] expected = Transcribed(scores, epsilon, 3);
        for (int i = 0; i < 9; i++)
        {
            for (int k = 0; k < 5; k++)
            {
                Assert.Equal(expected[i, k], codes[i, k].item<float>(), 2e-4);
            }
        }
    }

    [Fact]
    public void Many_iterations_use_all_prototypes_equally()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        var scores = rand(40, 8) + arange(8) * 0.3; // the last prototypes are nearer to all samples
        var codes = Sinkhorn.Codes(scores, 0.2, 100);
        Golden.AssertClose(full(8, 5f), codes.sum([0L]), 1e-3, "weight of each prototype");
        Golden.AssertClose(ones(40), codes.sum([1L]), 1e-5, "weight of each sample");
        Assert.True(Sinkhorn.Codes(scores, 0.2, 1).sum([0L]).std().item<float>() > 0.05);
    }

    /// <summary>
    /// Algorithm of the paper's appendix on plain arrays in float64. One shift of all scores changes nothing and keeps e^±600 within range.
    /// </summary>
    internal static double[,] Transcribed(Tensor scores, double epsilon, int iterations)
    {
        int samples = (int)scores.size(0), prototypes = (int)scores.size(1);
        var q = new double[samples, prototypes];
        for (int i = 0; i < samples; i++)
        {
            for (int k = 0; k < prototypes; k++)
            {
                q[i, k] = Math.Exp((scores[i, k].item<float>() - 0.3) / epsilon);
            }
        }

        for (int n = 0; n < iterations; n++)
        {
            for (int k = 0; k < prototypes; k++)
            {
                double sum = Enumerable.Range(0, samples).Sum(i => q[i, k]);
                for (int i = 0; i < samples; i++)
                {
                    q[i, k] /= sum * prototypes;
                }
            }

            for (int i = 0; i < samples; i++)
            {
                double sum = Enumerable.Range(0, prototypes).Sum(k => q[i, k]);
                for (int k = 0; k < prototypes; k++)
                {
                    q[i, k] /= sum * samples;
                }
            }
        }

        for (int i = 0; i < samples; i++)
        {
            for (int k = 0; k < prototypes; k++)
            {
                q[i, k] *= samples;
            }
        }

        return q;
    }
}
