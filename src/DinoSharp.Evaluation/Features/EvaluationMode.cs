using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Features;

/// <summary>While it lasts a network is in evaluation mode; then it is again in the mode it was in.</summary>
internal readonly struct EvaluationMode : IDisposable
{
    private readonly nn.Module _network;
    private readonly bool _training;

    public EvaluationMode(nn.Module network)
    {
        (_network, _training) = (network, network.training);
        network.eval();
    }

    public void Dispose() => _network.train(_training);
}
