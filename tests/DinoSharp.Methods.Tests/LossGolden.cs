using DinoSharp.Tests;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests;

/// <summary>Losses of other methods and their gradients, as an independent implementation has them.</summary>
internal static class LossGolden
{
    /// <summary>Fails unless a loss and its gradients are scale · golden + shift, to rounding.</summary>
    /// <param name="name">of the loss in losses.json</param>
    /// <param name="inputs">of the loss, of losses.safetensors; those with a stored gradient are asked for one</param>
    /// <param name="loss">of the inputs in their order</param>
    /// <param name="scale">by what the golden loss is smaller</param>
    /// <param name="shift">what it lacks besides</param>
    public static void Check(string name, string[] inputs, Func<Tensor[], Tensor> loss, double scale = 1, double shift = 0)
    {
        using var scope = NewDisposeScope();
        using var golden = Golden.Read("other-methods/losses.safetensors");
        double expected = scale * Golden.Json("other-methods/losses.json").GetProperty(name).GetProperty("loss").GetDouble() + shift;
        var values = inputs.Select(input => golden[input].clone().requires_grad_()).ToArray();
        using var actual = loss(values);
        Assert.Equal(expected, actual.item<float>(), 1e-5 * Math.Max(Math.Abs(expected), 1));
        actual.backward();
        int gradients = 0;
        foreach (var (input, value) in inputs.Zip(values))
        {
            string key = $"{name}.grad.{input[(input.LastIndexOf('.') + 1)..]}";
            if (golden.Names.Contains(key))
            {
                Golden.AssertClose(scale * golden[key], value.grad!, 1e-6, $"{name}, gradient of {input}");
                gradients++;
            }
            else
            {
                Assert.True(value.grad is null || value.grad.abs().max().item<float>() == 0, $"{name}: a gradient goes to {input}");
            }
        }

        Assert.True(gradients > 0, $"{name} has no golden gradient");
    }
}
