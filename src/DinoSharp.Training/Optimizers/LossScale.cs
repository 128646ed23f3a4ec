using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Training.Optimizers;

/// <summary>
/// Dynamic loss scaling for half precision (arXiv 1710.03740, section 3.2): the loss is multiplied by a power of two, so that small gradients do not
/// become 0 on their way through the network, and the gradients of the parameters, which are float32, are divided by it. Where a gradient is not
/// finite the factor is halved; after many good steps it is doubled. Numbers and names are those of PyTorch's GradScaler.
/// </summary>
public sealed class LossScale
{
    /// <summary>Good steps in a row after which the factor is doubled.</summary>
    public const long GrowthInterval = 2000;

    /// <summary>By what the factor grows and shrinks; a power of two changes no digit of a gradient.</summary>
    public const double Growth = 2;

    /// <summary>A gradient that is too large without a factor is the training's fault.</summary>
    private const double Least = 1;

    /// <summary>The factor.</summary>
    public double Factor { get; private set; } = 65536;

    /// <summary>Good steps since the factor last changed.</summary>
    public long GoodSteps { get; private set; }

    /// <summary>Divides gradients by the factor.</summary>
    /// <param name="parameters">those without a gradient are passed over</param>
    public void Unscale(IEnumerable<Parameter> parameters)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        foreach (var gradient in parameters.Select(p => p.grad).OfType<Tensor>())
        {
            gradient.mul_(1 / Factor);
        }
    }

    /// <summary>Counts a step whose gradients are finite.</summary>
    public void CountGood()
    {
        if (++GoodSteps == GrowthInterval)
        {
            (Factor, GoodSteps) = (Factor * Growth, 0);
        }
    }

    /// <summary>Halves the factor.</summary>
    /// <returns>false, and nothing is changed, where none is left to halve</returns>
    public bool TryHalve()
    {
        if (Factor / Growth < Least)
        {
            return false;
        }

        (Factor, GoodSteps) = (Factor / Growth, 0);
        return true;
    }

    /// <summary>Goes on from a state.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is no state of a scale.</exception>
    public void Restore(double factor, long goodSteps)
    {
        if (!double.IsFinite(factor) || factor < Least || goodSteps is < 0 or >= GrowthInterval)
        {
            throw new ArgumentOutOfRangeException(nameof(factor), $"a factor of {factor} after {goodSteps} good steps");
        }

        (Factor, GoodSteps) = (factor, goodSteps);
    }
}
