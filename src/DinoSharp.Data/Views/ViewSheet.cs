using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>A contact sheet of what training will see.</summary>
public static class ViewSheet
{
    private const int Gap = 4;

    private const byte Paper = 255;

    /// <summary>Height of a row in pixels that needs no enlarging.</summary>
    private const int Readable = 112;

    /// <summary>
    /// Draws a row an image: the image itself, then its views of the first epoch, in larger pixels where they are small. The images are
    /// the first usable ones of that epoch, so
    /// fewer rows than asked for come of a smaller source.
    /// </summary>
    /// <param name="source">Where the images are from.</param>
    /// <param name="recipe">How views are made.</param>
    /// <param name="decoding">What the images are decoded to.</param>
    /// <param name="count">Rows, at least 1.</param>
    /// <param name="seed">The training's seed.</param>
    /// <returns>The sheet, RGB, for the caller to dispose.</returns>
    /// <exception cref="ImageSourceException">No image can be used.</exception>
    public static PixelImage Draw(IImageSource source, IViewRecipe recipe, DecodeOptions decoding, int count, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        FaultLog faults = new();
        decoding = recipe.Decoding(decoding);
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

    private static PixelImage DrawRow(PixelImage image, int index, IViewRecipe recipe, ulong seed)
    {
        int height = Enumerable.Range(0, recipe.ViewCount).Max(recipe.SizeOf);
        var (places, width) = Place(recipe, height);
        PixelImage row = new(width, Gap + height);
        row.Pixels.Fill(Paper);
        using (PixelImage thumbnail = Thumbnail(image, height))
        {
            Show(thumbnail, row, Gap, Gap);
        }

        for (int view = 0; view < recipe.ViewCount; view++)
        {
            SampleRandom random = new(seed, epoch: 0, index, view);
            using PixelImage pixels = recipe.Make(image, view, ref random);
            Show(pixels, row, places[view].Top, places[view].Left);
        }

        return row;
    }

    /// <summary>Where the views stand right of the image: as many of one size above each other as fit.</summary>
    private static (List<(int Top, int Left)> Places, int Width) Place(IViewRecipe recipe, int height)
    {
        List<(int Top, int Left)> places = [];
        int top = Gap, left = Gap, column = height;
        bool free = false;
        for (int view = 0; view < recipe.ViewCount; view++)
        {
            int side = recipe.SizeOf(view);
            if (!free || side != column || top + side > Gap + height)
            {
                (top, left, column, free) = (Gap, left + column + Gap, side, true);
            }

            places.Add((top, left));
            top += side + Gap;
        }

        return (places, left + column + Gap);
    }

    /// <summary>Small views as squares of pixels, large enough to be looked at.</summary>
    private static PixelImage Enlarge(PixelImage image, int factor)
    {
        PixelImage large = new(image.Width * factor, image.Height * factor);
        int channels = image.Channels;
        for (int y = 0; y < large.Height; y++)
        {
            for (int x = 0; x < large.Width; x++)
            {
                image.Pixels.Slice((y / factor * image.Width + x / factor) * channels, channels)
                    .CopyTo(large.Pixels[((y * large.Width + x) * channels)..]);
            }
        }

        return large;
    }

    private static void Show(PixelImage image, PixelImage row, int top, int left)
    {
        using PixelImage preview = ImagePreview.Of(image);
        PixelOperations.Paste(preview, row, top, left);
    }

    private static PixelImage Thumbnail(PixelImage image, int side)
    {
        double factor = (double)side / Math.Max(image.Width, image.Height);
        PixelImage thumbnail = new(Math.Max(1, (int)(image.Width * factor)), Math.Max(1, (int)(image.Height * factor)), image.Channels);
        Resampler.Resize(image, CropBox.Whole(image), thumbnail, ResampleFilter.Bicubic);
        return thumbnail;
    }

    private static PixelImage Stack(List<PixelImage> rows)
    {
        using PixelImage sheet = new(rows[0].Width, rows.Count * rows[0].Height + Gap);
        sheet.Pixels.Fill(Paper);
        for (int i = 0; i < rows.Count; i++)
        {
            PixelOperations.Paste(rows[i], sheet, i * rows[0].Height, 0);
        }

        return Enlarge(sheet, Math.Max(1, Readable / rows[0].Height));
    }
}
