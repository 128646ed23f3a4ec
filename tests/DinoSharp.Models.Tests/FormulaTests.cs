using System.Text;
using DinoSharp.Models.Backbones;
using DinoSharp.Tests;
using static TorchSharp.torch;

namespace DinoSharp.Models.Tests;

/// <summary>
/// The full-size architectures, their weights given by a formula of name and index (stated in fixtures/README.md), against the features
/// that the reference and torchvision compute.
/// </summary>
public sealed class FormulaTests
{
    [Theory]
    [InlineData("vit-tiny-16", "vit_tiny", 16, 5_524_416)]
    [InlineData("vit-small-16", "vit_small", 16, 21_665_664)]
    [InlineData("vit-small-8", "vit_small", 8, 21_670_272)]
    [InlineData("vit-base-16", "vit_base", 16, 85_798_656)]
    [InlineData("vit-base-8", "vit_base", 8, 85_807_872)]
    [InlineData("resnet50", "resnet50", 0, 23_508_032)]
    public void Features_of_full_size_networks_are_the_references(string name, string architecture, int patch, long parameters)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var golden = Golden.Read("formula/outputs.safetensors");
        using var network = BackboneCatalogue.Create(architecture, new() { PatchSize = Math.Max(patch, 1) });
        Assert.Equal(parameters, network.parameters().Sum(p => p.numel()));
        foreach (var (key, value) in network.state_dict())
        {
            value.copy_(Values(key, value.shape).view(value.shape));
        }

        network.eval();
        var image = Uniform("input", 3 * 224 * 224).mul_(2).to(float32).view(1, 3, 224, 224);
        Golden.AssertClose(golden[name + ".features"], network.forward(image), 1e-4, "features");
        if (name == "vit-small-16")
        {
            var attention = ((VisionTransformer)network).LastSelfAttention(image)[0, .., 0]; // [heads, N+1]
            Golden.AssertClose(golden[name + ".cls-attention"], attention, 1e-6, "attention");
        }
    }

    private static Tensor Values(string name, long[] shape)
    {
        long count = shape.Aggregate(1L, (a, b) => a * b);
        if (name.EndsWith("num_batches_tracked", StringComparison.Ordinal))
        {
            return zeros(count);
        }

        var u = Uniform(name, count);
        double fanIn = shape.Skip(1).Aggregate(1.0, (a, b) => a * b);
        return name switch
        {
            _ when name.EndsWith("pos_embed", StringComparison.Ordinal) || name.EndsWith("cls_token", StringComparison.Ordinal) => u,
            _ when name.EndsWith("running_mean", StringComparison.Ordinal) => u * 0.1,
            _ when name.EndsWith("running_var", StringComparison.Ordinal) => u.abs() * 0.5 + 1,
            _ when shape.Length >= 2 => u * (3.5 / Math.Sqrt(fanIn)),
            _ when name.EndsWith("weight", StringComparison.Ordinal) => u * 0.1 + 1,
            _ => u * 0.02,
        };
    }

    /// <summary>Hashes of name and index, spread over [-0.5, 0.5).</summary>
    private static Tensor Uniform(string name, long count)
    {
        uint seed = 2166136261;
        foreach (byte b in Encoding.UTF8.GetBytes(name))
        {
            seed = (seed ^ b) * 16777619;
        }

        double[] values = new double[count];
        for (long i = 0; i < count; i++)
        {
            uint h = unchecked(seed + 2654435761u * (uint)i);
            h = (h ^ (h >> 16)) * 0x85EBCA6B;
            h = (h ^ (h >> 13)) * 0xC2B2AE35;
            values[i] = (h ^ (h >> 16)) / 4294967296.0 - 0.5;
        }

        return tensor(values);
    }
}
