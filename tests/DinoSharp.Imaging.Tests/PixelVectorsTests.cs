using System.Runtime.Intrinsics;

namespace DinoSharp.Imaging.Tests;

/// <summary>The processor's instruction, where there is one, and its portable form are one function.</summary>
public class PixelVectorsTests
{
    private const int Trials = 2000;

    private readonly Random _random = new(6);

    [Fact]
    public void Products_of_pairs()
    {
        for (int trial = 0; trial < Trials; trial++)
        {
            Vector256<short> a = Bytes256().AsInt16(), b = Bytes256().AsInt16();
            Vector256<int> portable = PixelVectors.MultiplyAddPairsPortable(a, b);
            Assert.Equal(portable, PixelVectors.MultiplyAddPairs(a, b));
            int lane = trial % 8;
            Assert.Equal(a[2 * lane] * b[2 * lane] + a[2 * lane + 1] * b[2 * lane + 1], portable[lane]);
        }
    }

    [Fact]
    public void Picking()
    {
        for (int trial = 0; trial < Trials; trial++)
        {
            // From 16 to 127 the two need not agree, and no kernel uses these.
            Vector256<byte> source = Bytes256(), indices = Bytes256() & Vector256.Create((byte)0x8F);
            Vector256<byte> portable = PixelVectors.PickInHalvesPortable(source, indices);
            Assert.Equal(portable, PixelVectors.PickInHalves(source, indices));
            for (int i = 0; i < 32; i++)
            {
                Assert.Equal(indices[i] > 127 ? 0 : source[(i & 16) + indices[i]], portable[i]);
            }
        }
    }

    [Fact]
    public void Cutting_to_bytes()
    {
        for (int trial = 0; trial < Trials; trial++)
        {
            Vector128<int> a = Short(), b = Short(), c = Short(), d = Short();
            Vector128<byte> portable = PixelVectors.ToBytesPortable(a, b, c, d);
            Assert.Equal(portable, PixelVectors.ToBytes(a, b, c, d));
            Assert.Equal(Math.Clamp(b[2], 0, 255), portable[6]);
        }

        Vector128<int> Short() => Vector128.Create(Next(), Next(), Next(), Next());
        int Next() => _random.Next(4) == 0 ? _random.Next(short.MinValue, short.MaxValue + 1) : _random.Next(-100, 400);
    }

    [Fact]
    public void Interleaving()
    {
        for (int trial = 0; trial < Trials; trial++)
        {
            Vector128<byte> a = Bytes256().GetLower(), b = Bytes256().GetLower();
            (Vector128<byte> lower, Vector128<byte> upper) = PixelVectors.InterleavePortable(a, b);
            Assert.Equal((lower, upper), PixelVectors.Interleave(a, b));
            Assert.Equal((a[0], b[7], b[15]), (lower[0], lower[15], upper[15]));
        }
    }

    private Vector256<byte> Bytes256()
    {
        byte[] bytes = new byte[32];
        _random.NextBytes(bytes);
        return Vector256.Create(bytes);
    }
}
