using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DinoSharp.Imaging;
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

    // (x / 255 - mean) / std as one multiplication and one addition.
    private IEnumerable<float> Scale => Std.Select(std => (float)(1 / (255 * std)));

    private IEnumerable<float> Shift => Mean.Zip(Std, (mean, std) => (float)(-mean / std));

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

        return device.type == DeviceType.CPU && pixels.device_type == DeviceType.CPU ? ApplyHere(pixels) : ApplyThere(pixels, device);
    }

    /// <summary>In one go, image by image, where torch would write every number three times.</summary>
    private unsafe Tensor ApplyHere(Tensor pixels)
    {
        using Tensor samples = pixels.contiguous(); // [N, H, W, C]
        long[] shape = [samples.shape[0], samples.shape[3], samples.shape[1], samples.shape[2]];
        Tensor planes = empty(shape, ScalarType.Float32); // [N, C, H, W]
        if (planes.NumberOfElements == 0)
        {
            return planes;
        }

        float[] scale = [.. Scale], shift = [.. Shift];
        int length = checked((int)(shape[1] * shape[2] * shape[3]));

        // The memory is torch's own and does not move. A batch may hold more samples than a span.
        using Tensor firstSamples = samples.narrow(0, 0, 1), firstPlanes = planes.narrow(0, 0, 1);
        byte* from = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(firstSamples.bytes));
        float* to = (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(firstPlanes.bytes));
        for (long i = 0; i < shape[0]; i++)
        {
            ReadOnlySpan<byte> image = new(from + i * length, length);
            PixelPlanes.Normalize(image, scale, shift, new Span<float>(to + i * length, length));
        }

        return planes;
    }

    /// <summary>As it is done on another device than the CPU: by torch.</summary>
    internal Tensor ApplyThere(Tensor pixels, Device device)
    {
        // The channels part while they are bytes, which moves least.
        using IDisposable scope = NewDisposeScope();
        Tensor scale = PerChannel(Scale, device), shift = PerChannel(Shift, device); // [1, C, 1, 1]
        Tensor planes = pixels.to(device).permute(0, 3, 1, 2).contiguous().to(ScalarType.Float32); // [N, C, H, W]
        return planes.mul_(scale).add_(shift).MoveToOuterDisposeScope();
    }

    /// <summary>Filled there: a copy from here would wait for all that the device has to do.</summary>
    private static Tensor PerChannel(IEnumerable<float> values, Device device) =>
        cat([.. values.Select(value => full(1, 1, 1, 1, value, device: device))], 1);
}
