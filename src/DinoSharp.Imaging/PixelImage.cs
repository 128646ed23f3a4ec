using System.Buffers;

namespace DinoSharp.Imaging;

/// <summary>
/// An image of 8-bit samples, row-major with interleaved channels: the sample of row y, column x, channel c is at
/// <c>(y * Width + x) * Channels + c</c>. Its memory comes from the shared array pool and goes back there on <see cref="Dispose"/>.
/// </summary>
public sealed class PixelImage : IDisposable
{
    /// <summary>
    /// Bytes behind the last pixel that kernels may read and overwrite, so that they can work in whole vectors.
    /// </summary>
    internal const int Slack = 64;

    private readonly int _length;
    private byte[]? _buffer;

    /// <summary>An image whose pixels are not initialised.</summary>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="channels">3 for RGB, 1 for grey, 4 for RGB and alpha or infrared, or as many as there are bands.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive, or the image would exceed 2 GB.</exception>
    public PixelImage(int width, int height, int channels = 3)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)width * height, (Array.MaxLength - Slack) / channels, "width * height");
        Width = width;
        Height = height;
        Channels = channels;
        _length = width * height * channels;
        _buffer = ArrayPool<byte>.Shared.Rent(_length + Slack);
    }

    public int Width { get; }

    public int Height { get; }

    public int Channels { get; }

    /// <summary>All samples, <c>Height * Width * Channels</c> bytes. Valid until the image is disposed.</summary>
    public Span<byte> Pixels => Buffer.AsSpan(0, _length);

    /// <summary>The samples and <see cref="Slack"/> more bytes of no meaning.</summary>
    internal Span<byte> PixelsAndSlack => Buffer.AsSpan(0, _length + Slack);

    private byte[] Buffer => _buffer ?? throw new ObjectDisposedException(nameof(PixelImage));

    /// <summary>Gives the memory back. Later use of the pixels throws <see cref="ObjectDisposedException"/>.</summary>
    public void Dispose()
    {
        if (_buffer is { } buffer)
        {
            _buffer = null;
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    internal void RequireRgb()
    {
        if (Channels != 3)
        {
            throw new ArgumentException($"The operation needs an RGB image; this one has {Channels} channel(s).");
        }
    }
}
