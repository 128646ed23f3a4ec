using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>How an evaluation makes an image a square view: without chance, and the same size for all images.</summary>
public interface IEvaluationRecipe
{
    /// <summary>Side of the view in pixels.</summary>
    int CropSize { get; }

    /// <summary>All that decides what a view shows of an image, in a few words.</summary>
    string Description { get; }

    /// <summary>Makes the view of an image, with as many channels. The caller disposes it.</summary>
    PixelImage Make(PixelImage image);
}
