using DinoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods;

/// <summary>
/// How far the outputs of different images lie apart: the standard deviation of each coordinate of L2-normalised outputs, averaged and
/// times √D. It is about 1 where they fill the sphere and 0 where the network says the same of all images (arXiv 2011.10566, section 4.1).
/// </summary>
internal sealed class OutputSpread(Device device) : IDisposable
{
    /// <summary>Under which it stands in the metrics.</summary>
    public const string Name = "output_spread";

    private const int SettlingSteps = 300;
    private const double Collapsed = 0.05;

    private readonly MeanLoss _spread = new(1, device);

    /// <param name="outputs">of different images; one alone tells nothing // [B, D]</param>
    public void Add(Tensor outputs)
    {
        if (outputs.size(0) < 2)
        {
            return;
        }

        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var unit = nn.functional.normalize(outputs.detach(), dim: 1); // [B, D]
        _spread.Add(unit.std([0L], unbiased: false).mean() * Math.Sqrt(outputs.size(1)));
    }

    /// <returns>not a number where no images came together</returns>
    public double Take() => _spread.Take()[0];

    public void Forget() => _spread.Forget();

    /// <summary>Whether the outputs have collapsed; not judged before the network had time to leave its start.</summary>
    public static bool IsCollapsed(IReadOnlyList<(string Name, double Value)> metrics, TrainingStep step) =>
        step.Index >= SettlingSteps && metrics.First(m => m.Name == Name).Value < Collapsed;

    public void Dispose() => _spread.Dispose();
}
