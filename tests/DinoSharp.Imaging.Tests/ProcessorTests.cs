using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DinoSharp.Imaging.Tests;

/// <summary>That a child of <see cref="PortableTests"/> tests what it should.</summary>
public class ProcessorTests
{
    [Fact]
    public void The_instructions_are_denied()
    {
        bool denied = Processor.Without switch
        {
            null => true,
            "AVX512" => !Avx512F.IsSupported && !Avx512Vbmi.IsSupported,
            "AVXVNNI" => !AvxVnni.IsSupported,
            "AVX2" => !Avx2.IsSupported && !Avx512F.IsSupported,
            "HWIntrinsic" => !Sse42.IsSupported && !Vector256.IsHardwareAccelerated,
            _ => false,
        };
        Assert.True(denied, $"{Processor.Without} is not off");
    }
}
