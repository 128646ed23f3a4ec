using DinoSharp.Data;
using DinoSharp.Imaging;
using static TorchSharp.torch;

namespace DinoSharp.Methods.InfoMin;

/// <summary>
/// The pieces of a jigsaw of PIRL (arXiv 1912.01991): a crop in three by three cells, and out of each a piece at a random place, so that
/// no edge goes on from one piece to the next. They stand side by side in one view, in their order.
/// </summary>
public static class JigsawView
{
    /// <summary>Pieces in a row and in a column.</summary>
    public const int Grid = 3;

    /// <summary>Pieces of an image.</summary>
    public const int Pieces = Grid * Grid;

    /// <summary>Sides of a piece and of its cell as published, in pixels.</summary>
    private const int PublishedPiece = 64, PublishedCell = 85;

    /// <summary>Side of a crop that gives pieces for a view.</summary>
    /// <param name="viewSide">side of the view in pixels, a multiple of 3</param>
    public static int CropSide(int viewSide) => Grid * (int)Math.Round((double)(viewSide / Grid) * PublishedCell / PublishedPiece);

    /// <summary>Cuts the pieces.</summary>
    /// <param name="crop">square, of <see cref="CropSide"/></param>
    /// <param name="view">receives them; square, as many channels</param>
    /// <param name="random">where the pieces' places come from</param>
    public static void Cut(PixelImage crop, PixelImage view, ref SampleRandom random)
    {
        ArgumentNullException.ThrowIfNull(crop);
        ArgumentNullException.ThrowIfNull(view);
        int cell = crop.Width / Grid, piece = view.Width / Grid, channels = crop.Channels;
        for (int i = 0; i < Pieces; i++)
        {
            int row = i / Grid, column = i % Grid;
            int top = row * cell + random.NextInt(cell - piece + 1), left = column * cell + random.NextInt(cell - piece + 1);
            for (int y = 0; y < piece; y++)
            {
                crop.Pixels.Slice(((top + y) * crop.Width + left) * channels, piece * channels)
                    .CopyTo(view.Pixels[(((row * piece + y) * view.Width + column * piece) * channels)..]);
            }
        }
    }

    /// <summary>The pieces of views as images of their own.</summary>
    /// <param name="views">// [B, C, 3 P, 3 P]</param>
    /// <returns>the first piece of all images, then the second, row by row: each piece is a view // [9 B, C, P, P]</returns>
    public static Tensor Split(Tensor views)
    {
        using var scope = NewDisposeScope();
        var (images, channels, piece) = (views.size(0), views.size(1), views.size(2) / Grid);
        return views.view(images, channels, Grid, piece, Grid, piece).permute(2, 4, 0, 1, 3, 5)
            .reshape(Pieces * images, channels, piece, piece).MoveToOuterDisposeScope();
    }
}
