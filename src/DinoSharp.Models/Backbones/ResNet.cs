using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>
/// Residual network with bottleneck blocks (arXiv 1512.03385) up to the global average pooling. Parameter names and the place of
/// the stride (the 3x3 convolution) are torchvision's.
/// </summary>
public sealed class ResNet : Backbone
{
    private static readonly int[] StageWidths = [64, 128, 256, 512];

    [ComponentName(Name = "conv1")]
    private readonly Conv2d _stem;
    [ComponentName(Name = "bn1")]
    private readonly BatchNorm2d _stemNorm;
    [ComponentName(Name = "layer1")]
    private readonly Sequential _stage1;
    [ComponentName(Name = "layer2")]
    private readonly Sequential _stage2;
    [ComponentName(Name = "layer3")]
    private readonly Sequential _stage3;
    [ComponentName(Name = "layer4")]
    private readonly Sequential _stage4;

    /// <param name="blocks">bottleneck blocks in each of the four stages; 3, 4, 6, 3 make ResNet-50</param>
    /// <param name="inputChannels">channels of the images</param>
    public ResNet(IReadOnlyList<int> blocks, int inputChannels = 3)
        : base(nameof(ResNet), StageWidths[^1] * Bottleneck.Expansion, inputChannels)
    {
        _stem = Bottleneck.Convolution(inputChannels, StageWidths[0], kernel: 7, stride: 2);
        _stemNorm = nn.BatchNorm2d(StageWidths[0]);
        int width = StageWidths[0];
        _stage1 = Stage(0);
        _stage2 = Stage(1);
        _stage3 = Stage(2);
        _stage4 = Stage(3);
        RegisterComponents();

        Sequential Stage(int index)
        {
            var stage = new List<nn.Module<Tensor, Tensor>>();
            for (int i = 0; i < blocks[index]; i++)
            {
                stage.Add(new Bottleneck(width, StageWidths[index], stride: index > 0 && i == 0 ? 2 : 1));
                width = StageWidths[index] * Bottleneck.Expansion;
            }

            return nn.Sequential(stage);
        }
    }

    public override int MinimumImageSide => 1;

    /// <inheritdoc/>
    public override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var maps = nn.functional.relu(_stemNorm.forward(_stem.forward(images))); // [B, 64, H/2, W/2]
        maps = nn.functional.max_pool2d(maps, 3, stride: 2, padding: 1); // [B, 64, H/4, W/4]
        maps = _stage4.forward(_stage3.forward(_stage2.forward(_stage1.forward(maps)))); // [B, 2048, H/32, W/32]
        return maps.mean([2, 3]).MoveToOuterDisposeScope(); // [B, 2048]
    }
}
