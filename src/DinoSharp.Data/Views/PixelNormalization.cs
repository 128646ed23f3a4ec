using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Data;

/// <summary>Turns 8-bit pixels into the numbers that networks see: from 0 to 1, then less the mean, over the standard deviation.</summary>
/// <param name="Mean">A number a channel.</param>
/// <param name="Std">A positive number a channel.</param>
public sealed record PixelNormalization(IReadOnlyList<double> Mean, IReadOnlyList<double> Std)
{
    /// <summary>The statistics of ImageNet that the published weights were trained with.</summary>
    public static PixelNormalization ImageNet { get; } = new([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);

    /// <summary>
    /// The statistics for images of a number of channels: ImageNet's for RGB, those of its luma for grey, and for any other number half
    /// and a quarter of the range, as nothing is known of them.
    /// </summary>
    public static PixelNormalization For(int channels) => channels switch
    {
        3 => ImageNet,
        1 => new([0.459], [0.226]),
        _ => new([.. Enumerable.Repeat(0.5, channels)], [.. Enumerable.Repeat(0.25, channels)]),
    };

    /// <summary>Brings pixels to a device, as bytes, and normalises them there.</summary>
    /// <param name="pixels">uint8 [N, H, W, C]</param>
    /// <param name="device">Where the result is.</param>
    /// <returns>float32 [N, C, H, W], contiguous</returns>
    /// <exception cref="ArgumentException">The tensor is no batch of 8-bit pixels with a mean and deviation for each channel.</exception>
    public Tensor Apply(Tensor pixels, Device device)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        if (pixels.dim() != 4 || pixels.dtype != ScalarType.Byte || pixels.shape[3] != Mean.Count || Mean.Count != Std.Count)
        {
            string shape = string.Join(", ", pixels.shape);
            throw new ArgumentException($"Pixels are uint8 [N, H, W, {Mean.Count}]; these are {pixels.dtype} [{shape}].", nameof(pixels));
        }

        // (x / 255 - mean) / std as one multiplication and one addition; the channels part while they are bytes, which moves least.
        using IDisposable scope = NewDisposeScope();
        Tensor scale = PerChannel(Std.Select(std => 1 / (255 * std)), device); // [1, C, 1, 1]
        Tensor shift = PerChannel(Mean.Zip(Std, (mean, std) => -mean / std), device); // [1, C, 1, 1]
        Tensor planes = pixels.to(device).permute(0, 3, 1, 2).contiguous().to(ScalarType.Float32); // [N, C, H, W]
        return planes.mul_(scale).add_(shift).MoveToOuterDisposeScope();
    }

    private static Tensor PerChannel(IEnumerable<double> values, Device device) =>
        tensor([.. values.Select(value => (float)value)], device: device).reshape(1, -1, 1, 1);
}
