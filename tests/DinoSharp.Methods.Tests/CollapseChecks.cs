using DinoSharp.Data;
using DinoSharp.Training;

namespace DinoSharp.Methods.Tests;

/// <summary>What is asked of every method whose outputs can become the same for all images.</summary>
internal static class CollapseChecks
{
    /// <summary>No spread is diagnosed in one line that names what helps, a usual one is not, nor anything in the first steps.</summary>
    public static void Hold(MethodOptions options, string helps, MultiCropOptions? views = null, int localSide = TinyTraining.LocalSide)
    {
        using TinyTraining run = new(options, views: views, localSide: localSide);
        TrainingStep late = new(400, 5, run.Trainer.Plan), early = new(200, 5, run.Trainer.Plan);
        string? collapsed = run.Method.Diagnose([("loss", 1), ("output_spread", 0.01)], late);
        Assert.NotNull(collapsed);
        Assert.Contains("collapse", collapsed, StringComparison.Ordinal);
        Assert.Contains(helps, collapsed, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', collapsed);
        Assert.Null(run.Method.Diagnose([("loss", 1), ("output_spread", 0.7)], late));
        Assert.Null(run.Method.Diagnose([("loss", 1), ("output_spread", 0.01)], early));
    }

    /// <summary>A network that says the same of every image has a spread of nothing, as the method measures it in a step.</summary>
    public static void MeasuresSpread(MethodOptions options, MultiCropOptions? views = null, int localSide = TinyTraining.LocalSide)
    {
        using TinyTraining run = new(options, views: views, localSide: localSide);
        run.TrainTo(1);
        Assert.InRange(Spread(), 0.02, 2);
        using (TorchSharp.torch.no_grad())
        {
            foreach (var parameter in run.Method.Trained.parameters())
            {
                parameter.zero_();
            }

            var state = run.Method.State.SelectMany(section => section.Tensors);
            foreach (var (_, tensor) in state.Where(entry => entry.Name.EndsWith("weight", StringComparison.Ordinal)))
            {
                tensor.zero_();
            }
        }

        run.TrainTo(2);
        Assert.InRange(Spread(), 0, 1e-3);

        double Spread() => run.Method.TakeMetrics().First(metric => metric.Name == "output_spread").Value;
    }
}
