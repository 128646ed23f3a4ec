using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Training.Optimizers;

/// <summary>The trainable parameters of a network, in the two groups of the reference: with weight decay and without.</summary>
/// <param name="Decayed">weights of two and more dimensions, and what is shaped like them (position embedding, class token, magnitudes)</param>
/// <param name="Undecayed">biases and all parameters of one dimension (norms)</param>
public sealed record ParameterGroups(
    IReadOnlyList<(string Name, Parameter Parameter)> Decayed,
    IReadOnlyList<(string Name, Parameter Parameter)> Undecayed)
{
    /// <summary>All trainable parameters, decayed ones first: the order in which an optimizer numbers them.</summary>
    public IEnumerable<(string Name, Parameter Parameter)> All => Decayed.Concat(Undecayed);

    public static ParameterGroups Of(nn.Module network)
    {
        var trainable = network.named_parameters().Where(p => p.parameter.requires_grad)
            .ToLookup(p => !p.name.EndsWith(".bias", StringComparison.Ordinal) && p.parameter.dim() > 1);
        return new([.. trainable[true]], [.. trainable[false]]);
    }
}
