using DinoSharp.Models.Backbones;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Models.Tests;

/// <summary>Milestones tell of gradients that are complete, while others are to come, and change nothing.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class GradientMilestoneTests
{
    private static readonly Dictionary<string, (Func<Backbone> Create, int Blocks)> Networks = new()
    {
        ["ViT"] = (() => new VisionTransformer(new() { EmbedDim = 24, Depth = 4, Heads = 3, PatchSize = 8, ImageSize = 32, DropPathRate = 0.4 }), 4),
        ["XCiT"] = (() => new Xcit(new() { EmbedDim = 32, Depth = 3, Heads = 4, PatchSize = 8 }), 5), // two are of the class token
        ["ResNet"] = (() => new ResNet(new() { Blocks = [1, 2, 1, 2], Bottlenecks = false, Width = 8, SmallStem = true }), 6),
    };

    public static TheoryData<string, bool> Cases => new(from name in Networks.Keys from recompute in new[] { false, true } select (name, recompute));

    /// <summary>Crops of two sizes, twice over, so that a ResNet's and an XCiT's blocks are passed four times; and once more for another loss before.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void A_modules_gradients_are_complete_when_it_is_told_of_and_no_sooner(string name, bool recompute)
    {
        using var plain = Create(name, recompute);
        Backward(plain);

        using var watched = Create(name, recompute);
        var stem = watched.Backbone.parameters().First();
        List<nn.Module> told = [];
        List<(Parameter Parameter, float[] Gradient)> then = [];
        bool stemWaited = false;
        using (GradientMilestones.Tell(module =>
        {
            told.Add(module);
            then.AddRange(module.parameters().Select(parameter => (parameter, Values(parameter.grad!))));
            stemWaited |= stem.grad is null;
        }))
        {
            Backward(watched);
        }

        Assert.Equal(Networks[name].Blocks + 1, told.Count);
        Assert.IsType<Linear>(told[0]); // the head
        Assert.Equal(told.Skip(1), told.Skip(1).OrderByDescending(Order)); // the last block first
        Assert.All(then, pair => Assert.Equal(Values(pair.Parameter.grad!), pair.Gradient));
        Assert.True(stemWaited || name != "ViT"); // one pass of all crops: nothing of the stem until the end
        foreach (var (mine, theirs) in watched.parameters().Zip(plain.parameters()))
        {
            Assert.Equal(Values(theirs.grad!), Values(mine.grad!));
        }

        int Order(nn.Module module) => watched.modules().ToList().IndexOf(module);
    }

    /// <summary>Backward passes leave nothing of the milestones behind.</summary>
    [Fact]
    public void No_tensor_is_left()
    {
        using var network = Create("ViT", recompute: false);
        Once();
        long before = Tensor.TotalCount;
        Once();
        Once();
        Assert.Equal(before, Tensor.TotalCount);

        void Once()
        {
            using (GradientMilestones.Tell(_ => { }))
            {
                Backward(network);
            }

            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    private static MultiCropEncoder Create(string name, bool recompute)
    {
        manual_seed(1);
        var backbone = Networks[name].Create();
        backbone.CheckpointsActivations = recompute;
        var encoder = new MultiCropEncoder(backbone, nn.Linear(backbone.FeatureDim, 5));
        encoder.train();
        return encoder;
    }

    private static void Backward(MultiCropEncoder encoder)
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        var outputs = Enumerable.Range(0, 2).Select(_ => encoder.Forward([rand(4, 3, 32, 32), rand(2, 3, 16, 16)])).ToArray(); // 2 of [6, 5]
        (outputs[0].log_softmax(1) * outputs[1].softmax(1)).sum().backward();
    }

    private static float[] Values(Tensor gradient)
    {
        using var given = gradient;
        return given.data<float>().ToArray();
    }
}
