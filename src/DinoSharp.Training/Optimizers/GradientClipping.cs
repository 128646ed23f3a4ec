using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Training.Optimizers;

/// <summary>The reference's clipping: each parameter's gradient by itself, not all by their common norm.</summary>
public static class GradientClipping
{
    private const double NormEpsilon = 1e-6;

    /// <summary>Scales each gradient whose L2 norm is above the limit by limit / (norm + 1e-6).</summary>
    /// <param name="parameters">those without a gradient are passed over</param>
    /// <param name="limit">largest norm; 0 clips nothing</param>
    /// <returns>the largest norm before clipping, on the gradients' device; not finite if any gradient is not // []</returns>
    public static Tensor ClipEach(IEnumerable<Parameter> parameters, double limit)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var norms = new List<Tensor>();
        foreach (var gradient in parameters.Select(p => p.grad).OfType<Tensor>())
        {
            var norm = gradient.norm();
            norms.Add(norm);
            // Multiplying by 1 where the norm is below the limit keeps a device from waiting for each norm; the CPU waits for none.
            if (limit > 0 && (gradient.device_type != DeviceType.CPU || !(norm.item<float>() <= limit)))
            {
                gradient.mul_((norm + NormEpsilon).reciprocal_().mul_(limit).clamp_(max: 1));
            }
        }

        // The maximum of torch passes NaN on.
        return (norms.Count == 0 ? zeros([]) : stack(norms).max()).MoveToOuterDisposeScope();
    }
}
