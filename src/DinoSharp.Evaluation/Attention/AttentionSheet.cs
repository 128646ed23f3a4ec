using DinoSharp.Imaging;

namespace DinoSharp.Evaluation.Attention;

/// <summary>
/// All of an image's attention at one look: above, the image, the mean of the heads and the mean's overlay; below, the heads, in the order
/// of the network.
/// </summary>
public static class AttentionSheet
{
    private const int TileSide = 480;
    private const int Columns = 3;
    private const int MostHeadsInRow = 6;
    private const int Gap = 8;
    private const byte Paper = 255;

    /// <summary>Draws the sheet.</summary>
    /// <param name="image">the RGB image that the maps are of, at least as large as they</param>
    /// <param name="heads">maps of one image, at least one</param>
    /// <param name="mass">the share of the attention that the overlay keeps</param>
    /// <returns>The sheet, RGB, for the caller to dispose.</returns>
    public static PixelImage Draw(PixelImage image, IReadOnlyList<AttentionMap> heads, double mass = AttentionMap.DefaultMass)
    {
        var mean = AttentionMaps.Mean(heads);
        double scale = (double)TileSide / Math.Max(mean.Width, mean.Height);
        var tile = Scaled(mean, scale);
        int width = Gap + Columns * (tile.Width + Gap);

        // As many heads a row as fill the sheet's width: three as large as the tiles above, or up to six smaller ones.
        int inRow = Math.Clamp(heads.Count, Columns, MostHeadsInRow);
        var small = Scaled(mean, scale * ((width - Gap) / inRow - Gap) / tile.Width);
        int rows = (heads.Count - 1) / inRow + 1;
        var sheet = new PixelImage(width, Gap + tile.Height + Gap + rows * (small.Height + Gap));
        sheet.Pixels.Fill(Paper);
        using (PixelImage heat = mean.Heatmap(), overlay = mean.Overlay(image, mass))
        {
            Place(image, CropBox.Whole(heat), tile, sheet, Gap, Gap);
            Place(heat, CropBox.Whole(heat), tile, sheet, Gap, Gap + tile.Width + Gap);
            Place(overlay, CropBox.Whole(heat), tile, sheet, Gap, Gap + 2 * (tile.Width + Gap));
        }

        for (int head = 0; head < heads.Count; head++)
        {
            int top = Gap + tile.Height + Gap + head / inRow * (small.Height + Gap);
            using var heat = heads[head].Heatmap();
            Place(heat, CropBox.Whole(heat), small, sheet, top, Gap + head % inRow * (small.Width + Gap));
        }

        return sheet;
    }

    private static (int Width, int Height) Scaled(AttentionMap map, double scale) =>
        (Math.Max(1, (int)(map.Width * scale)), Math.Max(1, (int)(map.Height * scale)));

    private static void Place(PixelImage picture, CropBox part, (int Width, int Height) size, PixelImage sheet, int top, int left)
    {
        using var resized = new PixelImage(size.Width, size.Height);
        Resampler.Resize(picture, part, resized, ResampleFilter.Bilinear);
        PixelOperations.Paste(resized, sheet, top, left);
    }
}
