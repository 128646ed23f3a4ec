using static TorchSharp.torch;

namespace DinoSharp.Training.Optimizers;

/// <summary>What an optimizer remembers of one parameter.</summary>
public interface IParameterState
{
    /// <summary>Live tensors by PyTorch's names, of the parameter's shape.</summary>
    IReadOnlyList<(string Name, Tensor Tensor)> Tensors { get; }

    /// <summary>How often the parameter was moved; kept only by optimizers that correct for it.</summary>
    long StepCount { get; set; }
}
