using DinoSharp.Models.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>
/// Residual network (arXiv 1512.03385) up to the global average pooling. Parameter names and the place of the stride (the 3x3
/// convolution) are torchvision's.
/// </summary>
public sealed class ResNet : Backbone, IFeatureMaps
{
    /// <summary>Stages of every ResNet.</summary>
    internal const int Stages = 4;

    [ComponentName(Name = "conv1")]
    private readonly ConvolutionLayer _stem;
    [ComponentName(Name = "bn1")]
    private readonly BatchNorm _stemNorm;
    [ComponentName(Name = "layer1")]
    private readonly Sequential _stage1;
    [ComponentName(Name = "layer2")]
    private readonly Sequential _stage2;
    [ComponentName(Name = "layer3")]
    private readonly Sequential _stage3;
    [ComponentName(Name = "layer4")]
    private readonly Sequential _stage4;

    public ResNet(ResNetOptions options)
        : base(nameof(ResNet), (options.Validated().Width << (Stages - 1)) * ExpansionOf(options), options.InputChannels)
    {
        Options = options;
        _stem = options.SmallStem
            ? Bottleneck.Convolution(options.InputChannels, options.Width, kernel: 3)
            : Bottleneck.Convolution(options.InputChannels, options.Width, kernel: 7, stride: 2);
        _stemNorm = new BatchNorm(options.Width);
        int inputDim = options.Width;
        _stage1 = Stage(0);
        _stage2 = Stage(1);
        _stage3 = Stage(2);
        _stage4 = Stage(3);
        RegisterComponents();

        Sequential Stage(int index)
        {
            int width = options.Width << index;
            var stage = new List<nn.Module<Tensor, Tensor>>();
            for (int i = 0; i < options.Blocks[index]; i++)
            {
                int stride = index > 0 && i == 0 ? 2 : 1;
                stage.Add(options.Bottlenecks
                    ? new Bottleneck(inputDim, width, stride, options.ZeroInitResidual)
                    : new BasicBlock(inputDim, width, stride, options.ZeroInitResidual));
                inputDim = width * ExpansionOf(options);
            }

            return nn.Sequential(stage);
        }
    }

    /// <summary>The shape of this network.</summary>
    public ResNetOptions Options { get; }

    public override int MinimumImageSide => 1;

    /// <inheritdoc/>
    public override Backbone CreateAlike(double dropPathRate = 0) => new ResNet(Options);

    /// <inheritdoc/>
    public IReadOnlyList<int> MapDims => [FeatureDim / 2, FeatureDim];

    /// <inheritdoc/>
    public override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        return Through(_stage4, ThroughThirdStage(images)).mean([2, 3], type: float32).MoveToOuterDisposeScope(); // [B, D]
    }

    /// <inheritdoc/>
    public Tensor[] FeatureMaps(Tensor images)
    {
        using var scope = NewDisposeScope();
        var third = ThroughThirdStage(images); // [B, D/2, H/16, W/16], or H/4, W/4 after a small stem
        var fourth = Through(_stage4, third); // [B, D, H/32, W/32], or H/8, W/8
        return [third.to(float32).MoveToOuterDisposeScope(), fourth.to(float32).MoveToOuterDisposeScope()];
    }

    private Tensor ThroughThirdStage(Tensor images)
    {
        using var scope = NewDisposeScope();
        // [B, width, H/2, W/2], or H, W after a small stem
        var maps = nn.functional.relu(_stemNorm.forward(_stem.forward(ChannelsLast(images))));
        if (!Options.SmallStem)
        {
            maps = nn.functional.max_pool2d(maps, 3, stride: 2, padding: 1); // [B, width, H/4, W/4]
        }

        return Through(_stage3, Through(_stage2, Through(_stage1, maps))).MoveToOuterDisposeScope();
    }

    private Tensor Through(Sequential stage, Tensor maps)
    {
        using var scope = NewDisposeScope();
        var before = maps;
        foreach (var block in stage.children().Cast<nn.Module<Tensor, Tensor>>())
        {
            var input = maps;
            maps = ActivationCheckpoint.Run(
                CheckpointsActivations, block, (tensor, _) => block.forward(tensor), GradientMilestones.Before(block, input), []);
            if (!ReferenceEquals(input, before))
            {
                input.Dispose(); // without gradients nobody needs it any more
            }
        }

        return maps.MoveToOuterDisposeScope();
    }

    private static int ExpansionOf(ResNetOptions options) => options.Bottlenecks ? Bottleneck.Expansion : 1;
}
