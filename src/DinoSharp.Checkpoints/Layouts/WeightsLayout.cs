namespace DinoSharp.Checkpoints;

/// <summary>How a file of weights is laid out.</summary>
public enum WeightsLayout
{
    /// <summary>A network's state_dict under the names of the reference (transformers) or of torchvision (ResNets).</summary>
    Backbone,

    /// <summary>A training's whole state: student, teacher, optimizer and so on.</summary>
    Training,

    /// <summary>The names of Hugging Face's ViTModel.</summary>
    HuggingFace,
}
