using DinoSharp.Imaging;

namespace DinoSharp.Evaluation.Attention.Segmentation;

/// <summary>A picture and the mask of what is to be seen on it.</summary>
/// <param name="Name">what results call it: PASCAL VOC's id, or the mask's path in its folder, without ending</param>
/// <param name="ImagePath">the picture's file</param>
/// <param name="MaskPath">the mask's file: a PNG of labels as large as the picture</param>
public sealed record AnnotatedImage(string Name, string ImagePath, string MaskPath)
{
    /// <summary>The label of the object in a mask of black and white.</summary>
    private const byte OnlyObject = 1;

    /// <summary>The picture.</summary>
    /// <exception cref="ImageFormatException">The file is damaged.</exception>
    public PixelImage LoadPicture(DecodeOptions decoding) => ImageDecoder.Load(ImagePath, decoding);

    /// <summary>
    /// The mask's labels: a palette's indices, or the values of grey. A mask that holds 0 and 255 alone is black and white,
    /// and its white is an object, not <see cref="MaskJaccard.Void"/>.
    /// </summary>
    /// <param name="picture">the picture that the mask is of</param>
    /// <exception cref="ImageFormatException">The file is damaged, or has colours that are no labels.</exception>
    /// <exception cref="EvaluationException">The mask has another size than the picture.</exception>
    public IndexedImage LoadLabels(PixelImage picture)
    {
        var labels = IndexedPng.Load(MaskPath);
        if ((labels.Width, labels.Height) != (picture.Width, picture.Height))
        {
            throw new EvaluationException(
                $"{MaskPath}: the mask is {labels.Width} x {labels.Height} pixels, its picture {ImagePath} "
                + $"{picture.Width} x {picture.Height}; make them the same size");
        }

        var pixels = labels.Indices.AsSpan();
        if (pixels.IndexOfAnyExcept(MaskJaccard.Background, MaskJaccard.Void) < 0)
        {
            pixels.Replace(MaskJaccard.Void, OnlyObject);
        }

        return labels;
    }
}
