namespace DinoSharp.Models.Layers;

/// <summary>The number type in which the layers of networks multiply.</summary>
public enum Precision
{
    /// <summary>Single precision: 24 bits.</summary>
    Float32,

    /// <summary>bfloat16: the range of single precision with 8 bits.</summary>
    Bf16,

    /// <summary>Half precision: 11 bits, from 6e-8 to 65,504, so that gradients have to be scaled.</summary>
    Fp16,
}
