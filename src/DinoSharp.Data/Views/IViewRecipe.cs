using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>What a training sees of an image: a number of square views, each a function of the image and of random numbers.</summary>
public interface IViewRecipe
{
    /// <summary>Views of an image; those of one size stand side by side.</summary>
    int ViewCount { get; }

    /// <summary>Side in pixels of a view.</summary>
    int SizeOf(int view);

    /// <summary>Makes a view of an image, with as many channels. The caller disposes it.</summary>
    /// <param name="image">The image.</param>
    /// <param name="view">The view's number, from 0.</param>
    /// <param name="random">Where the numbers come from.</param>
    PixelImage Make(PixelImage image, int view, ref SampleRandom random);

    /// <summary>How images are decoded for these views: as asked for, and at a reduced scale where that is allowed.</summary>
    DecodeOptions Decoding(DecodeOptions asked);
}
