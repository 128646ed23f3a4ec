using static TorchSharp.torch;

namespace DinoSharp.Training.Optimizers;

/// <summary>What an optimizer remembers of one parameter.</summary>
public interface IParameterState
{
    /// <summary>Live tensors by PyTorch's names, of the parameter's shape.</summary>
    IReadOnlyList<(string Name, Tensor Tensor)> Tensors { get; }

    /// <summary>How often the parameter was moved; null where the optimizer does not count.</summary>
    long? StepCount { get; set; }
}
