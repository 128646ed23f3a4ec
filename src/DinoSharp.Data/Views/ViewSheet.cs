using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>A contact sheet of what training will see.</summary>
public static class ViewSheet
{
    private const int Gap = 4;

    private const byte Paper = 255;

    /// <summary>
    /// Draws a row an image: the image itself, then its views of the first epoch. The images are the first usable ones of that epoch, so
    /// fewer rows than asked for come of a smaller source.
    /// </summary>
    /// <param name="source">Where the images are from.</param>
    /// <param name="recipe">How views are made.</param>
    /// <param name="count">Rows, at least 1.</param>
    /// <param name="seed">The training's seed.</param>
    /// <returns>The sheet, RGB, for the caller to dispose.</returns>
    /// <exception cref="ImageSourceException">No image can be used.</exception>
    public static PixelImage Draw(IImageSource source, MultiCropRecipe recipe, int count, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        FaultLog faults = new();
        DecodeOptions decoding = new();
        List<PixelImage> rows = [];
        try
        {
            foreach (int index in new EpochOrder(source.Count, batchSize: 1, seed).Permutation(epoch: 0))
            {
                using PixelImage? image = faults.TryLoad(source, index, decoding);
                if (image is not null)
                {
                    rows.Add(DrawRow(image, index, recipe, seed));
                }

                if (rows.Count == count)
                {
                    break;
                }
            }

            return rows.Count > 0
                ? Stack(rows)
                : throw new ImageSourceException(source.Path, $"none of its images can be used; the first: {faults.Faults[0].Reason}");
        }
        finally
        {
            rows.ForEach(row => row.Dispose());
        }
    }

    private static PixelImage DrawRow(PixelImage image, int index, MultiCropRecipe recipe, ulong seed)
    {
        int[] sides = [.. Enumerable.Range(0, recipe.ViewCount).Select(recipe.SizeOf)];
        int height = sides.Max();
        PixelImage row = new(Gap + height + Gap + sides.Sum(side => side + Gap), Gap + height);
        row.Pixels.Fill(Paper);
        using (PixelImage thumbnail = Thumbnail(image, height))
        {
            PixelOperations.Paste(thumbnail, row, Gap, Gap);
        }

        int left = Gap + height + Gap;
        for (int view = 0; view < recipe.ViewCount; view++)
        {
            SampleRandom random = new(seed, epoch: 0, index, view);
            using PixelImage pixels = recipe.Make(image, view, ref random);
            PixelOperations.Paste(pixels, row, Gap, left);
            left += pixels.Width + Gap;
        }

        return row;
    }

    private static PixelImage Thumbnail(PixelImage image, int side)
    {
        double factor = (double)side / Math.Max(image.Width, image.Height);
        PixelImage thumbnail = new(Math.Max(1, (int)(image.Width * factor)), Math.Max(1, (int)(image.Height * factor)));
        Resampler.Resize(image, CropBox.Whole(image), thumbnail, ResampleFilter.Bicubic);
        return thumbnail;
    }

    private static PixelImage Stack(List<PixelImage> rows)
    {
        PixelImage sheet = new(rows[0].Width, rows.Count * rows[0].Height + Gap);
        sheet.Pixels.Fill(Paper);
        for (int i = 0; i < rows.Count; i++)
        {
            PixelOperations.Paste(rows[i], sheet, i * rows[0].Height, 0);
        }

        return sheet;
    }
}
