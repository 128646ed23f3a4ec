using System.Globalization;
using DinoSharp.Evaluation.Report;
using DinoSharp.Imaging;

namespace DinoSharp.Evaluation.Neighbors;

/// <summary>How a picture of a sheet is marked.</summary>
public enum Mark
{
    /// <summary>It is asked for.</summary>
    Query,

    /// <summary>It is found, and nobody knows whether it is right.</summary>
    Found,

    /// <summary>It is a right answer.</summary>
    Right,

    /// <summary>It is a wrong answer.</summary>
    Wrong,

    /// <summary>It is neither.</summary>
    Junk,
}

/// <summary>Queries with what was found for them, as pictures in a row each, framed by what they are.</summary>
public static class NeighborSheet
{
    /// <summary>The longer side of a picture on a sheet, in pixels.</summary>
    private const int Side = 144;

    private const int Frame = 4;

    /// <summary>Adds a row to a page: a query and what was found for it.</summary>
    /// <param name="page">where to</param>
    /// <param name="query">the query and what stands under it</param>
    /// <param name="found">nearest first: similarity, name, what it is; the picture is loaded one at a time, and null where it cannot be</param>
    public static void AddRow(
        HtmlReport page, (PixelImage Image, string Name) query, IEnumerable<(Func<PixelImage?> Load, float Similarity, string Name, Mark Mark)> found)
    {
        ArgumentNullException.ThrowIfNull(page);
        List<(PixelImage Image, string Caption)> row = [(Framed(query.Image, Mark.Query), query.Name)];
        try
        {
            foreach (var (number, neighbor) in found.Index())
            {
                using var image = neighbor.Load();
                string word = neighbor.Mark == Mark.Found ? "" : $" {neighbor.Mark.ToString().ToLowerInvariant()}";
                string caption = string.Create(
                    CultureInfo.InvariantCulture, $"{number + 1}{word}, {neighbor.Similarity:F3}: {neighbor.Name}");
                row.Add(image is null ? (Missing(), $"{caption} (cannot be shown)") : (Framed(image, neighbor.Mark), caption));
            }

            page.ImageRow(row);
        }
        finally
        {
            row.ForEach(picture => picture.Image.Dispose());
        }
    }

    private static PixelImage Missing()
    {
        PixelImage blank = new(Side, Side);
        blank.Pixels.Fill(128);
        return blank;
    }

    private static PixelImage Framed(PixelImage image, Mark mark)
    {
        using var colors = ImagePreview.Of(image);
        using var small = Thumbnail.Of(colors, Side);
        PixelImage framed = new(small.Width + 2 * Frame, small.Height + 2 * Frame);
        var (red, green, blue) = ColorOf(mark);
        for (int i = 0; i < framed.Pixels.Length; i += 3)
        {
            (framed.Pixels[i], framed.Pixels[i + 1], framed.Pixels[i + 2]) = (red, green, blue);
        }

        PixelOperations.Paste(small, framed, Frame, Frame);
        return framed;
    }

    private static (byte Red, byte Green, byte Blue) ColorOf(Mark mark) => mark switch
    {
        Mark.Query => (59, 130, 196),
        Mark.Right => (47, 158, 110),
        Mark.Wrong => (217, 74, 43),
        Mark.Junk => (160, 160, 160),
        _ => (221, 226, 231),
    };
}
