using DinoSharp.Methods.Byol;

namespace DinoSharp.Methods.Tests.Byol;

public sealed class ByolTests
{
    private static readonly ByolOptions Small = new() { HiddenDim = 16, ProjectionDim = 8, TargetMomentum = 0.9 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_moves_resumes_to_the_bit_and_leaves_no_tensor(bool residual) => MethodChecks.Hold(Small, residual: residual);
}
