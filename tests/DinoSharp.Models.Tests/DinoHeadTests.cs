using DinoSharp.Models.Heads;
using DinoSharp.Tests;
using static TorchSharp.torch;

namespace DinoSharp.Models.Tests;

/// <summary>Outputs and gradients of the reference's head in all its variants (fixtures/head-loss).</summary>
public sealed class DinoHeadTests
{
    private const string Weights = "weights.";
    private const string Gradient = "grad.";

    [Theory]
    [InlineData("norm-last-3-layers", 3, true, false)]
    [InlineData("free-last-3-layers", 3, false, false)]
    [InlineData("norm-last-1-layer", 1, true, false)]
    [InlineData("free-last-1-layer", 1, false, false)]
    [InlineData("batchnorm-train", 3, true, true)]
    public void Output_and_gradients_are_the_references(string variant, int layers, bool freezeMagnitude, bool batchNorm)
    {
        using var scope = NewDisposeScope();
        using var golden = Golden.Read($"head-loss/head-{variant}.safetensors");
        using var input = Golden.Read("head-loss/head-input.safetensors");
        using var head = Head(layers, freezeMagnitude, batchNorm);
        golden.CopyInto(head, Weights);

        var features = input["input"].clone().requires_grad_();
        var output = head.forward(features);
        (output * input["direction"]).sum().backward();

        Golden.AssertClose(golden["output"], output, 1e-5, "output");
        Golden.AssertClose(golden["grad.input"], features.grad!, 5e-5, "input's gradient");
        var gradients = head.named_parameters().Where(p => p.parameter.requires_grad).ToDictionary(p => p.name, p => p.parameter.grad!);
        Assert.Equal(
            golden.Names.Where(n => n.StartsWith(Gradient, StringComparison.Ordinal) && n != "grad.input").Select(n => n[Gradient.Length..]).Order(),
            gradients.Keys.Order());
        foreach (var (name, gradient) in gradients)
        {
            Golden.AssertClose(golden[Gradient + name], gradient, 5e-5, name);
        }
    }

    [Fact]
    public void Batch_norm_keeps_running_statistics_and_uses_them_in_evaluation()
    {
        using var scope = NewDisposeScope();
        using var golden = Golden.Read("head-loss/head-batchnorm-train.safetensors");
        using var evaluated = Golden.Read("head-loss/head-batchnorm-eval.safetensors");
        using var input = Golden.Read("head-loss/head-input.safetensors");
        using var head = Head(3, freezeMagnitude: true, batchNorm: true);
        golden.CopyInto(head, Weights);
        head.forward(input["input"]);

        var state = head.state_dict();
        foreach (string name in golden.Names.Where(n => n.StartsWith("after.", StringComparison.Ordinal)))
        {
            Golden.AssertClose(golden[name].to(float32), state[name["after.".Length..]].to(float32), 1e-5, name);
        }

        head.eval();
        Golden.AssertClose(evaluated["output"], head.forward(input["input"]), 1e-5, "evaluation");
    }

    private static DinoHead Head(int layers, bool freezeMagnitude, bool batchNorm) => new(48, new()
    {
        OutputDim = 96,
        HiddenDim = 64,
        BottleneckDim = 32,
        Layers = layers,
        FreezeMagnitude = freezeMagnitude,
        BatchNorm = batchNorm,
    });
}
