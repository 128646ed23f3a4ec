using DinoSharp.Data;
using DinoSharp.Evaluation.Features;
using DinoSharp.Imaging;
using DinoSharp.Models.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Attention;

/// <summary>What the class token of the last block attends to, head by head (arXiv 2104.14294, figures 1 and 3).</summary>
public static class AttentionMaps
{
    /// <summary>The maps of a picture, in its own size.</summary>
    /// <param name="network">on any device; run in evaluation mode, afterwards in the mode it was in</param>
    /// <param name="picture">of as many channels as the network takes, and of any size of at least one patch</param>
    /// <param name="name">what the error calls the picture: its path</param>
    /// <returns>one map a head</returns>
    /// <exception cref="EvaluationException">The picture is smaller than a patch, or the attention is not finite.</exception>
    public static IReadOnlyList<AttentionMap> Of(VisionTransformer network, PixelImage picture, string name)
    {
        using var scope = NewDisposeScope();
        var pixels = tensor(picture.Pixels.ToArray(), [1, picture.Height, picture.Width, picture.Channels], ScalarType.Byte); // [1, H, W, C]
        return Of(network, PixelNormalization.For(picture.Channels).Apply(pixels, CPU), name);
    }

    /// <summary>The maps of one image.</summary>
    /// <param name="network">on any device; run in evaluation mode, afterwards in the mode it was in</param>
    /// <param name="image">
    /// of any size of at least one patch; at the right and the bottom, what does not make a whole patch is cut off
    /// // float32, normalised [1, C, H, W]
    /// </param>
    /// <param name="name">what the error calls the image: its path</param>
    /// <returns>one map a head</returns>
    /// <exception cref="EvaluationException">The image is smaller than a patch, or the attention is not finite.</exception>
    public static IReadOnlyList<AttentionMap> Of(VisionTransformer network, Tensor image, string name)
    {
        int patch = network.Options.PatchSize;
        int rows = (int)image.size(2) / patch, columns = (int)image.size(3) / patch;
        if (rows == 0 || columns == 0)
        {
            throw new EvaluationException(
                $"{name}: {image.size(3)} x {image.size(2)} pixels are less than one patch of {patch} x {patch}; give a larger image");
        }

        using var mode = new EvaluationMode(network);
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        var whole = image.narrow(2, 0, rows * patch).narrow(3, 0, columns * patch).to(network.parameters().First().device);
        var attention = network.ClassTokenAttention(whole); // [1, heads, N+1]
        var ofClassToken = attention[0, .., 1..].to(ScalarType.Float32).cpu(); // [heads, N]
        if (!ofClassToken.isfinite().all().item<bool>())
        {
            throw new EvaluationException($"{name}: its attention is not finite: the weights diverged or are not this network's");
        }

        return [.. ofClassToken.unbind(0).Select(head => new AttentionMap([.. head.contiguous().data<float>()], rows, columns, patch))];
    }

    /// <summary>The mean of the heads' maps.</summary>
    /// <param name="heads">maps of one image, at least one</param>
    public static AttentionMap Mean(IReadOnlyList<AttentionMap> heads)
    {
        var first = heads[0];
        float[] mean = new float[first.Rows * first.Columns];
        foreach (var head in heads)
        {
            for (int i = 0; i < mean.Length; i++)
            {
                mean[i] += head.Weights[i] / heads.Count;
            }
        }

        return new AttentionMap(mean, first.Rows, first.Columns, first.PatchSize);
    }
}
