using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DinoSharp.Imaging;

/// <summary>Replaces samples by what a table of 256 says of them, where the processor looks up 64 at once.</summary>
internal static unsafe class SampleLookup
{
    public const int TableSize = 256;

    public static bool IsSupported => Avx512Vbmi.IsSupported;

    /// <param name="samples">Replaced in place, in whole vectors of 64: there must be room past the end.</param>
    /// <param name="length">Number of samples.</param>
    /// <param name="table">The value of each sample.</param>
    public static void Apply(byte* samples, int length, byte* table)
    {
        Vector512<byte> first = Vector512.Load(table), second = Vector512.Load(table + 64);
        Vector512<byte> third = Vector512.Load(table + 128), fourth = Vector512.Load(table + 192);
        for (int i = 0; i < length; i += Vector512<byte>.Count)
        {
            // Each lookup goes by the lower seven bits; the eighth chooses between them.
            Vector512<byte> at = Vector512.Load(samples + i);
            Vector512<byte> lower = Avx512Vbmi.PermuteVar64x8x2(first, at, second), upper = Avx512Vbmi.PermuteVar64x8x2(third, at, fourth);
            Vector512.ConditionalSelect(Vector512.LessThan(at.AsSByte(), Vector512<sbyte>.Zero).AsByte(), upper, lower).Store(samples + i);
        }
    }
}
