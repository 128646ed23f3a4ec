using DinoSharp.Data;
using DinoSharp.Imaging;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Attention.Segmentation;

/// <summary>How well self-attention segments objects without being told to (arXiv 2104.14294, section 4.2.2 and figure 4).</summary>
public static class AttentionSegmentation
{
    /// <summary>Measures annotated images, those that a log has already aside.</summary>
    /// <param name="network">on any device</param>
    /// <param name="images">pictures and their masks</param>
    /// <param name="options">how masks are made of attention</param>
    /// <param name="decoding">how pictures are read; its channels are the network's</param>
    /// <param name="log">what was measured before, and is gone on with; null measures all</param>
    /// <param name="progress">told the number of images done</param>
    /// <exception cref="ImageFormatException">A picture or mask is damaged.</exception>
    /// <exception cref="EvaluationException">A mask has another size than its picture, or no mask shows an object.</exception>
    public static SegmentationScore Evaluate(
        VisionTransformer network,
        IReadOnlyList<AnnotatedImage> images,
        SegmentationOptions options,
        DecodeOptions decoding,
        JaccardLog? log = null,
        Action<int>? progress = null)
    {
        options.Validated();
        var measured = new List<ImageJaccard>(images.Count);
        foreach (var image in images)
        {
            if (log?.Find(image.Name) is not { } known)
            {
                using var picture = image.LoadPicture(decoding);
                var labels = image.LoadLabels(picture);
                known = new ImageJaccard(image.Name, MaskJaccard.Of(Maps(network, picture, image.ImagePath, options), labels, options.Mass));
                log?.Add(known);
                TorchRuntime.Sweep();
            }

            measured.Add(known);
            progress?.Invoke(measured.Count);
        }

        return SegmentationScore.Of(measured);
    }

    /// <summary>The maps of a picture as it is measured: all of it, brought to the size of the options whatever its shape was.</summary>
    /// <param name="network">on any device</param>
    /// <param name="picture">of as many channels as the network takes</param>
    /// <param name="name">what errors call the picture</param>
    /// <param name="options">the size</param>
    public static IReadOnlyList<AttentionMap> Maps(VisionTransformer network, PixelImage picture, string name, SegmentationOptions options)
    {
        int patch = network.Options.PatchSize;
        int height = options.Height - options.Height % patch, width = options.Width - options.Width % patch;
        if (Math.Min(height, width) == 0)
        {
            throw new EvaluationException(
                $"{options.Width} x {options.Height} pixels are less than one patch of {patch} x {patch}; measure at a larger size");
        }

        using var view = new PixelImage(width, height, picture.Channels);
        Resampler.Resize(picture, CropBox.Whole(picture), view, ResampleFilter.Bicubic);
        return AttentionMaps.Of(network, view, name);
    }
}
