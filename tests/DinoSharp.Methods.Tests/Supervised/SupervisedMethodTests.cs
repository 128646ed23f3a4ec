using DinoSharp.Methods.Supervised;
using DinoSharp.Models.Backbones;
using DinoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests.Supervised;

/// <summary>Training with labels.</summary>
public sealed class SupervisedMethodTests
{
    private const int Classes = 3;
    private const int BatchSize = 4;
    private const int Side = 8;

    private static readonly TrainingPlan Plan = new(Epochs: 3, StepsPerEpoch: 2);
    private static readonly TrainingOptions Training = new() { Epochs = 3, BatchSize = BatchSize, WarmupEpochs = 0, LearningRate = 0.3, Seed = 4 };
    private static readonly SupervisedOptions Plain = new() { LabelSmoothing = 0, MixupAlpha = 0, CutMixAlpha = 0 };

    /// <summary>Cross-entropy with targets of 1 - ε and ε / C, in float64 from the logits.</summary>
    [Fact]
    public void The_loss_is_the_cross_entropy_with_smoothed_targets()
    {
        using var scope = NewDisposeScope();
        using var method = Method(Plain with { LabelSmoothing = 0.3 });
        var batch = Batch(1);
        double loss = method.Loss(batch, Plan.StepAfter(0)).item<float>();
        var logits = method.Logits(batch.Crops[0]).to(ScalarType.Float64); // dropout is nowhere: the same in both modes
        var logs = logits.log_softmax(1);
        double expected = 0;
        for (int i = 0; i < BatchSize; i++)
        {
            for (int c = 0; c < Classes; c++)
            {
                double target = (c == i % Classes ? 0.7 : 0) + 0.3 / Classes;
                expected -= target * logs[i, c].item<double>() / BatchSize;
            }
        }

        Assert.Equal(expected, loss, 1e-6);
    }

    [Theory]
    [InlineData(0.8, 0)]
    [InlineData(0, 1)]
    [InlineData(0.8, 1)]
    public void A_batch_in_parts_takes_the_step_of_the_whole(double mixup, double cutmix)
    {
        using var scope = NewDisposeScope();
        var options = Plain with { MixupAlpha = mixup, CutMixAlpha = cutmix, LabelSmoothing = 0.1 };
        using SupervisedMethod whole = Method(options), parts = Method(options);
        using var wholeTrainer = new Trainer(whole, Training, Plan);
        using var partsTrainer = new Trainer(parts, Training with { AccumulationSteps = 2 }, Plan);
        for (int step = 0; step < Plan.TotalSteps; step++)
        {
            Assert.Equal(wholeTrainer.Step(Batch(step)).Loss, partsTrainer.Step(Batch(step)).Loss, 1e-5);
        }
    }

    /// <summary>What of an image comes from its neighbour is the share by which their targets are mixed.</summary>
    [Theory]
    [InlineData(0.8, 0)]
    [InlineData(0, 1)]
    public void Images_and_targets_are_mixed_by_the_same_share(double mixup, double cutmix)
    {
        using var scope = NewDisposeScope();
        var mixing = new Mixing(Plain with { MixupAlpha = mixup, CutMixAlpha = cutmix });
        var images = tensor([0f, 1f, 0f, 1f]).view(4, 1, 1, 1).expand(4, 3, Side, Side).contiguous();
        var targets = eye(4);
        var shares = new List<double>();
        for (int step = 0; step < 200; step++)
        {
            var (mixed, mixedTargets) = mixing.Apply(images, targets, step);
            double ofNeighbour = mixedTargets[0, 1].item<float>();
            Assert.Equal(ofNeighbour, mixed[0].mean().item<float>(), 1e-5);
            Assert.Equal(1 - ofNeighbour, mixed[1].mean().item<float>(), 1e-5);
            Assert.Equal(1, mixedTargets[3].sum().item<float>(), 1e-5);
            Assert.Equal(ofNeighbour, mixedTargets[3, 2].item<float>(), 1e-5);
            if (cutmix > 0)
            {
                Assert.True(mixed.eq(0).logical_or(mixed.eq(1)).all().item<bool>()); // pasted, not blended
            }

            shares.Add(ofNeighbour);
        }

        Assert.InRange(shares.Average(), cutmix > 0 ? 0.2 : 0.42, cutmix > 0 ? 0.38 : 0.58); // Beta's mean; the border takes a third of a box
        Assert.True(shares.Distinct().Count() > 10);
        Assert.Equal(0f, images[0].max().item<float>()); // the originals are as they were
    }

    [Fact]
    public void The_average_follows_the_network_and_is_what_is_used()
    {
        const double momentum = 0.9;
        using var scope = NewDisposeScope();
        using var method = Method(Plain with { AverageMomentum = momentum });
        using var trainer = new Trainer(method, Training, Plan);
        var (network, average) = (method.State[0], method.State[1]);
        Assert.Equal(("model", "model_ema"), (network.Name, average.Name));
        var expected = Tensors(network).Select(t => t.clone()).ToList();
        for (int step = 0; step < 3; step++)
        {
            trainer.Step(Batch(step));
            expected = [.. expected.Zip(Tensors(network), (mean, now) => mean * momentum + now * (1 - momentum))];
        }

        Assert.All(expected.Zip(Tensors(average)), pair => Assert.True((pair.First - pair.Second).abs().max().item<float>() < 1e-6));
        Assert.Contains(expected.Zip(Tensors(network)), pair => (pair.First - pair.Second).abs().max().item<float>() > 1e-4);
        var token = method.Backbone.state_dict()["cls_token"];
        Assert.Equal(average.Tensors.Single(t => t.Name == "cls_token").Tensor, token);
    }

    [Fact]
    public void Layers_further_below_move_less()
    {
        using var method = Method(Plain with { LayerDecay = 0.5 });
        double ScaleOf(string name) => method.Groups.Groups.Single(g => g.Parameters.Any(p => p.Name == name)).RateScale;
        Assert.Equal(1, ScaleOf("head.weight"));
        Assert.Equal(1, ScaleOf("backbone.norm.bias"));
        Assert.Equal(0.5, ScaleOf("backbone.blocks.1.mlp.fc1.weight"));
        Assert.Equal(0.25, ScaleOf("backbone.blocks.0.norm1.weight"));
        Assert.Equal(0.125, ScaleOf("backbone.pos_embed"));
        Assert.Equal(0.125, ScaleOf("backbone.patch_embed.proj.bias"));
    }

    [Fact]
    public void Class_attention_is_layers_above_the_blocks_and_positions_are_below_them()
    {
        using var network = new Xcit(new() { PatchSize = 4, EmbedDim = 8, Depth = 2, Heads = 2 });
        double ScaleOf(string name) => LayerDecay.ScaleOf(network, name, 0.5);
        Assert.Equal(1, ScaleOf("head.weight"));
        Assert.Equal(1, ScaleOf("backbone.norm.bias"));
        Assert.Equal(0.5, ScaleOf("backbone.cls_attn_blocks.1.attn.qkv.weight"));
        Assert.Equal(0.25, ScaleOf("backbone.cls_attn_blocks.0.gamma1"));
        Assert.Equal(0.125, ScaleOf("backbone.blocks.1.attn.temperature"));
        Assert.Equal(0.0625, ScaleOf("backbone.blocks.0.local_mp.conv1.weight"));
        string[] below = ["cls_token", "patch_embed.proj.0.0.weight", "pos_embeder.token_projection.weight"];
        Assert.All(below, name => Assert.Equal(0.03125, ScaleOf("backbone." + name)));
    }

    [Fact]
    public void Images_without_a_label_are_refused()
    {
        using var folder = DinoSharp.Tests.TestFolder.OfImages(3);
        using var source = DinoSharp.Data.ImageSources.Open(folder.Path);
        var error = Assert.Throws<DinoSharp.Data.ImageSourceException>(() => ImageLabels.Of(source));
        Assert.Contains("3 of 3 images have no label", error.Message, StringComparison.Ordinal);
    }

    private static IEnumerable<Tensor> Tensors(StateSection section) => section.Tensors.Select(t => t.Tensor.detach());

    private static SupervisedMethod Method(SupervisedOptions options)
    {
        manual_seed(2);
        VisionTransformer backbone = Backbone();
        return new SupervisedMethod(
            backbone, options.AverageMomentum > 0 ? Backbone() : null, options, new ImageLabels([.. Enumerable.Range(0, 8).Select(i => (long)i % BatchSize % Classes)], Classes), CPU);

        static VisionTransformer Backbone() => new(new() { PatchSize = 4, EmbedDim = 8, Depth = 2, Heads = 2, ImageSize = Side });
    }

    private static TrainingBatch Batch(long seed)
    {
        using var generator = new Generator((ulong)seed);
        return new TrainingBatch([randn([BatchSize, 3, Side, Side], generator: generator)], [0, 1, 2, 3]);
    }
}
