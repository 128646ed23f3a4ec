using DinoSharp.Imaging;

namespace DinoSharp.Evaluation.Attention.Segmentation;

/// <summary>What the measure sees of an image at one look: the annotated objects, and for each the mask of the head that fits it best.</summary>
public static class SegmentationSheet
{
    private const int TileSide = 320;
    private const int MostObjects = 3;
    private const int Gap = 8;
    private const byte Paper = 255;

    /// <summary>Draws the sheet.</summary>
    /// <param name="picture">RGB</param>
    /// <param name="labels">its annotation, of the same size</param>
    /// <param name="heads">its maps, which cover all of it</param>
    /// <param name="mass">the share of the attention that masks keep</param>
    /// <returns>The sheet, RGB, for the caller to dispose.</returns>
    public static PixelImage Draw(PixelImage picture, IndexedImage labels, IReadOnlyList<AttentionMap> heads, double mass)
    {
        double scale = (double)TileSide / Math.Max(picture.Width, picture.Height);
        int width = Length(picture.Width, scale), height = Length(picture.Height, scale);
        var objects = MaskJaccard.Of(heads, labels, mass).Take(MostObjects).ToList();
        var sheet = new PixelImage(Gap + (objects.Count + 1) * (width + Gap), height + 2 * Gap);
        sheet.Pixels.Fill(Paper);
        using (var annotated = Annotated(picture, labels))
        {
            Place(annotated, 0);
        }

        for (int i = 0; i < objects.Count; i++)
        {
            var best = heads[objects[i].Heads.Index().MaxBy(head => head.Item).Index];
            using var view = new PixelImage(best.Width, best.Height);
            Resampler.Resize(picture, CropBox.Whole(picture), view, ResampleFilter.Bicubic);
            using var overlay = best.Overlay(view, mass);
            Place(overlay, i + 1);
        }

        return sheet;

        void Place(PixelImage part, int column)
        {
            using var tile = new PixelImage(width, height);
            Resampler.Resize(part, CropBox.Whole(part), tile, ResampleFilter.Bilinear);
            PixelOperations.Paste(tile, sheet, Gap, Gap + column * (width + Gap));
        }
    }

    private static PixelImage Annotated(PixelImage picture, IndexedImage labels)
    {
        var annotated = new PixelImage(picture.Width, picture.Height);
        ReadOnlySpan<byte> from = picture.Pixels, of = labels.Indices;
        for (int i = 0; i < from.Length; i++)
        {
            annotated.Pixels[i] = MaskTint.Of(from[i], i % 3, of[i / 3] is not (MaskJaccard.Background or MaskJaccard.Void));
        }

        return annotated;
    }

    private static int Length(int side, double scale) => Math.Max(1, (int)(side * scale));
}
