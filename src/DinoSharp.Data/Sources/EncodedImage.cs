using System.Buffers;
using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>An image file's bytes, in memory of a pool.</summary>
public sealed class EncodedImage : IDisposable
{
    /// <summary>
    /// A pool of their own: a shuffle buffer holds a thousand at once and gives them back one by one, of which the shared pool would keep
    /// a few and leave the others to the garbage collector.
    /// </summary>
    private static readonly ArrayPool<byte> Pool = ArrayPool<byte>.Create(maxArrayLength: 1 << 24, maxArraysPerBucket: 1 << 12);

    private readonly int _length;
    private byte[]? _buffer;

    /// <summary>Bytes that are not initialised.</summary>
    /// <param name="name">What errors call the image.</param>
    /// <param name="length">The file's length.</param>
    public EncodedImage(string name, int length)
    {
        Name = name;
        _length = length;
        _buffer = Pool.Rent(length);
    }

    /// <summary>What errors call the image.</summary>
    public string Name { get; }

    /// <summary>The file, <c>length</c> bytes. Valid until the image is disposed.</summary>
    public Span<byte> Bytes => (_buffer ?? throw new ObjectDisposedException(nameof(EncodedImage))).AsSpan(0, _length);

    /// <summary>Decodes the image. The caller disposes it.</summary>
    /// <exception cref="ImageFormatException">The image is damaged, of an unknown format, or larger than allowed.</exception>
    public PixelImage Decode(DecodeOptions options) => ImageDecoder.Decode(Bytes, Name, options);

    public void Dispose()
    {
        if (_buffer is { } buffer)
        {
            _buffer = null;
            Pool.Return(buffer);
        }
    }
}
