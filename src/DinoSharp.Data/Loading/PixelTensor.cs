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

    public PixelTensor(int rows, int side, int channels)
    {
        Tensor = empty([rows, side, side, channels], ScalarType.Byte).DetachFromDisposeScope(); // [rows, side, side, channels]
        _rowLength = side * side * channels;

        // The memory is torch's own and does not move.
        _start = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(Tensor.bytes));
    }

    public Tensor Tensor { get; }

    public void SetRow(int row, PixelImage image) => image.Pixels.CopyTo(new Span<byte>(_start + (long)row * _rowLength, _rowLength));

    public void Dispose() => Tensor.Dispose();
}
