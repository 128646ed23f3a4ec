using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Training.Optimizers;

/// <summary>Parameters that an optimizer treats alike.</summary>
/// <param name="Parameters">by their names in the network</param>
/// <param name="Decayed">whether weight decay pulls on them</param>
/// <param name="RateScale">by what the learning rate is multiplied</param>
public sealed record ParameterGroup(IReadOnlyList<(string Name, Parameter Parameter)> Parameters, bool Decayed, double RateScale);

/// <summary>
/// The trainable parameters of a network. The reference has two groups: with weight decay (weights of two and more dimensions, and what is
/// shaped like them: position embedding, class token, magnitudes) and without (biases and all parameters of one dimension: norms).
/// Parameters whose learning rates differ are in further groups.
/// </summary>
/// <param name="Groups">decayed ones first</param>
public sealed record ParameterGroups(IReadOnlyList<ParameterGroup> Groups)
{
    /// <summary>All trainable parameters, decayed ones first: the order in which an optimizer numbers them.</summary>
    public IEnumerable<(string Name, Parameter Parameter)> All => Groups.SelectMany(group => group.Parameters);

    /// <param name="network">whose parameters</param>
    /// <param name="rateScale">by what the learning rate of a parameter is multiplied; null for 1</param>
    public static ParameterGroups Of(nn.Module network, Func<string, double>? rateScale = null) => new(
    [
        .. network.named_parameters()
            .Where(p => p.parameter.requires_grad)
            .GroupBy(p => (Decayed: IsDecayed(p.name, p.parameter), Scale: rateScale?.Invoke(p.name) ?? 1))
            .OrderByDescending(group => group.Key.Decayed)
            .ThenByDescending(group => group.Key.Scale)
            .Select(group => new ParameterGroup([.. group], group.Key.Decayed, group.Key.Scale)),
    ]);

    private static bool IsDecayed(string name, Parameter parameter) =>
        !name.EndsWith(".bias", StringComparison.Ordinal) && parameter.dim() > 1;
}
