namespace DinoSharp.Imaging;

/// <summary>The kernels of <see cref="Resampler"/>, with the names and the shapes that Pillow gives them.</summary>
public enum ResampleFilter
{
    /// <summary>Triangle, support 1.</summary>
    Bilinear,

    /// <summary>Keys' cubic convolution with a = -0.5, support 2.</summary>
    Bicubic,

    /// <summary>Sinc windowed by a sinc three times as wide, support 3.</summary>
    Lanczos,
}
