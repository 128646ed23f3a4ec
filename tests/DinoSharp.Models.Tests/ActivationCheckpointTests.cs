using DinoSharp.Models.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Tests;

/// <summary>Activations that are computed again change nothing but the memory.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class ActivationCheckpointTests
{
    private static readonly Dictionary<string, Func<Backbone>> Networks = new()
    {
        ["ViT"] = () => new VisionTransformer(new()
        {
            EmbedDim = 24,
            Depth = 4,
            Heads = 3,
            PatchSize = 8,
            ImageSize = 32,
            DropPathRate = 0.4,
        }),
        ["XCiT"] = () => new Xcit(new() { EmbedDim = 32, Depth = 3, Heads = 4, PatchSize = 8, DropPathRate = 0.4 }),
        ["ResNet of bottlenecks"] = () => new ResNet(new() { Blocks = [2, 1, 2, 1], Width = 8 }),
        ["ResNet of basic blocks"] = () => new ResNet(new() { Blocks = [1, 2, 1, 2], Bottlenecks = false, Width = 8, SmallStem = true }),
    };

    public static TheoryData<string> Names => [.. Networks.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Values_gradients_and_state_are_the_same_to_the_bit(string name)
    {
        var kept = Train(name, recompute: false);
        var recomputed = Train(name, recompute: true);
        Assert.Equal(kept.Keys, recomputed.Keys);
        Assert.All(kept, entry => Assert.True(entry.Value.SequenceEqual(recomputed[entry.Key]), entry.Key));
        Assert.Contains(kept, entry => entry.Key.StartsWith("gradient of ", StringComparison.Ordinal) && entry.Value.Any(value => value != 0));
    }

    /// <summary>Two steps of two passes of crops of two sizes each, as of methods that show one view after the other.</summary>
    private static SortedDictionary<string, float[]> Train(string name, bool recompute)
    {
        using var network = Create(name, recompute);
        var results = new SortedDictionary<string, float[]>(StringComparer.Ordinal);
        for (int i = 0; i < 2; i++)
        {
            results[$"loss {i}"] = [Step(network, i)];
            using var noGradients = no_grad();
            foreach (var (parameter, tensor) in network.named_parameters())
            {
                results[$"gradient of {parameter} in step {i}"] = tensor.grad!.data<float>().ToArray();
                tensor.add_(tensor.grad!, alpha: -0.01);
                tensor.grad = null;
            }
        }

        foreach (var (key, tensor) in network.state_dict())
        {
            using var scope = NewDisposeScope();
            results[key] = tensor.to(ScalarType.Float32).data<float>().ToArray();
        }

        return results;
    }

    private static Backbone Create(string name, bool recompute)
    {
        manual_seed(1);
        var network = Networks[name]();
        network.train();
        network.CheckpointsActivations = recompute;
        return network;
    }

    private static float Step(Backbone network, int seed)
    {
        using var scope = NewDisposeScope();
        var views = new[] { Crops(seed), Crops(seed + 100) };
        manual_seed(seed);
        var features = views.Select(network.ForwardCrops).ToArray(); // 2 of [6, D]
        var loss = (features[0].log_softmax(1) * features[1].softmax(1)).sum();
        loss.backward();
        return loss.item<float>();
    }

    private static Tensor[] Crops(int seed)
    {
        manual_seed(seed);
        return [rand(4, 3, 32, 32), rand(2, 3, 16, 16)];
    }
}

/// <summary>Tests that seed torch's one generator, and so run when no others do.</summary>
[CollectionDefinition(nameof(TorchGenerator), DisableParallelization = true)]
public sealed class TorchGenerator;
