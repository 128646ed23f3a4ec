using DinoSharp.Distributed;
using DinoSharp.Models.Heads;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Methods.InfoMin;

/// <summary>The pieces of an image, shuffled, as one query: each through a small network, then all through a linear layer.</summary>
internal sealed class JigsawHead : nn.Module
{
    [ComponentName(Name = "piece")]
    private readonly Sequential _piece;
    [ComponentName(Name = "whole")]
    private readonly TorchSharp.Modules.Linear _whole;

    private readonly BatchShare _share;

    public JigsawHead(int featureDim, MlpHeadOptions head, BatchShare share)
        : base(nameof(JigsawHead))
    {
        _share = share;
        _piece = MlpHead.Create(featureDim, head);
        _whole = nn.Linear(JigsawView.Pieces * head.OutputDim, head.OutputDim);
        RegisterComponents();
    }

    /// <param name="features">of pieces, the first of all images, then the second // [9 B, F]</param>
    /// <returns>// [B, D]</returns>
    public Tensor Forward(Tensor features)
    {
        using var scope = NewDisposeScope();
        long images = features.size(0) / JigsawView.Pieces;
        var pieces = _piece.forward(features).view(JigsawView.Pieces, images, -1).transpose(0, 1); // [B, 9, D]
        var order = _share.Draw(images, count => rand(count, JigsawView.Pieces, device: features.device)).argsort(1); // [B, 9], a shuffle an image
        var shuffled = pieces.gather(1, order.unsqueeze(2).expand_as(pieces));
        return _whole.forward(shuffled.flatten(1)).MoveToOuterDisposeScope();
    }
}
