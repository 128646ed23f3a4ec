using static TorchSharp.torch;

namespace DinoSharp.Methods;

/// <summary>Networks that train together, as one; their parameters' names start with the part's. Disposing it disposes them.</summary>
internal sealed class TrainedParts : nn.Module
{
    public TrainedParts(params ReadOnlySpan<(string Name, nn.Module Network)> parts)
        : base(nameof(TrainedParts))
    {
        foreach (var (name, network) in parts)
        {
            register_module(name, network);
        }
    }
}
