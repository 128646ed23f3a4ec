using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DinoSharp.Imaging;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Data;

/// <summary>
/// A uint8 tensor [rows, side, side, channels] whose rows several threads fill at once. No dispose scope owns it, whichever thread makes it.
/// </summary>
internal sealed unsafe class PixelTensor : IDisposable
{
    private readonly byte* _start;
    private readonly int _rowLength;

    /// <param name="rows">images</param>
    /// <param name="side">of each</param>
    /// <param name="channels">of each</param>
    /// <param name="pinned">whether the memory stays where it is in the machine's, so that a GPU fetches it by itself</param>
    public PixelTensor(int rows, int side, int channels, bool pinned = false)
    {
        Tensor = empty([rows, side, side, channels], ScalarType.Byte).DetachFromDisposeScope(); // [rows, side, side, channels]
        if (pinned)
        {
            using Tensor pageable = Tensor;
            Tensor = pageable.pin_memory().DetachFromDisposeScope();
        }

        _rowLength = side * side * channels;

        // The memory is torch's own and does not move. It may be more than a span has.
        using Tensor first = Tensor.narrow(0, 0, 1); // [1, side, side, channels]
        _start = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(first.bytes));
    }

    public Tensor Tensor { get; }

    public void SetRow(int row, PixelImage image) => image.Pixels.CopyTo(new Span<byte>(_start + (long)row * _rowLength, _rowLength));

    public void Dispose() => Tensor.Dispose();
}
