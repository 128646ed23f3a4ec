using DinoSharp.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Tests.Layers;

/// <summary>
/// Outputs and gradients against torch's convolution in float64, of numbers of channels that fill no whole vectors, too: those are the ones that
/// oneDNN's kernels have failed at.
/// </summary>
[Collection(nameof(TorchGenerator))]
public sealed class ConvolutionLayerTests
{
    public static TheoryData<int, int> KernelsAndStrides => new() { { 1, 1 }, { 1, 2 }, { 3, 1 }, { 3, 2 }, { 4, 4 }, { 16, 16 } };

    [Theory]
    [MemberData(nameof(KernelsAndStrides))]
    public void Values_and_gradients_are_those_of_float64(int kernel, int stride)
    {
        manual_seed(1);
        foreach (var (inputs, outputs, side) in from inputs in new[] { 3, 8, 20, 32 } from outputs in new[] { 8, 40, 80 } from side in new[] { 17, 32 } select (inputs, outputs, side))
        {
            using var scope = NewDisposeScope();
            using var layer = new ConvolutionLayer(inputs, outputs, kernel, stride, padding: kernel == 3 ? 1 : 0);
            var maps = randn(2, side, side, inputs).permute(0, 3, 1, 2).requires_grad_(); // as networks hold them, channels last
            Tensor[] factors = [maps, .. layer.parameters()];
            var exact = factors.Select(factor => factor.detach().to(float64).requires_grad_()).ToArray();
            var expected = nn.functional.conv2d(
                exact[0], exact[1], exact[2], strides: [stride, stride], padding: kernel == 3 ? [1L, 1L] : [0L, 0L]);
            var weights = randn(expected.shape);
            (expected * weights).sum().backward();
            var found = layer.forward(maps);
            (found * weights).sum().backward();
            string name = $"{inputs} to {outputs} channels, maps of {side}: ";
            AssertClose(expected, found, name + "output");
            Assert.All(exact.Zip(factors).Index(), pair => AssertClose(pair.Item.First.grad!, pair.Item.Second.grad!, $"{name}gradient {pair.Index}"));
        }
    }

    private static void AssertClose(Tensor expected, Tensor actual, string name)
    {
        Assert.Equal(expected.shape, actual.shape);
        double error = ((expected - actual).abs().max() / expected.abs().max()).item<double>();
        Assert.True(error < 1e-5, $"{name} is off by {error:g2} of the largest");
    }
}
