using DinoSharp.Evaluation.Features;
using DinoSharp.Imaging;
using DinoSharp.Models.Backbones;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Video;

/// <summary>What a Vision Transformer says of each patch of a frame.</summary>
public static class PatchFeatures
{
    /// <summary>The patch tokens after the last norm, each of length 1.</summary>
    /// <param name="network">on any device; run in evaluation mode, afterwards in the mode it was in</param>
    /// <param name="frame">RGB</param>
    /// <param name="side">the shorter side of the view (<see cref="FrameView"/>)</param>
    /// <param name="name">what errors call the frame</param>
    /// <returns>on the CPU // float32 [h, w, D]</returns>
    /// <exception cref="EvaluationException">The features are not finite.</exception>
    public static Tensor Of(VisionTransformer network, PixelImage frame, int side, string name)
    {
        using var mode = new EvaluationMode(network);
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        var view = FrameView.Of(frame, side); // [1, 3, H, W]
        int patch = network.Options.PatchSize;
        long rows = view.size(2) / patch, columns = view.size(3) / patch;
        var tokens = network.IntermediateLayers(view.to(network.parameters().First().device), 1)[0]; // [1, 1 + h w, D]
        var patches = nn.functional.normalize(tokens[0, 1..].to(ScalarType.Float32), 2, 1).cpu(); // [h w, D]
        return patches.isfinite().all().item<bool>()
            ? patches.view(rows, columns, -1).MoveToOuterDisposeScope()
            : throw new EvaluationException($"{name}: its features are not finite: the weights diverged or are not this network's");
    }
}
