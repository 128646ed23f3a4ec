using System.Globalization;
using DinoSharp.Evaluation.Attention;
using DinoSharp.Imaging;

namespace DinoSharp.Cli.Attention;

/// <summary>The files of one picture's attention: a sheet to look at first, and in a folder of the same name each part by itself.</summary>
internal static class AttentionPictures
{
    /// <summary>Writes them all.</summary>
    /// <param name="image">the RGB image that the maps are of</param>
    /// <param name="heads">its maps</param>
    /// <param name="mass">share of the attention that masks and overlays keep</param>
    /// <param name="stem">path of the files, without ending</param>
    /// <returns>the sheet's path</returns>
    public static string Save(PixelImage image, IReadOnlyList<AttentionMap> heads, double mass, string stem)
    {
        Directory.CreateDirectory(stem);
        using (var shown = new PixelImage(heads[0].Width, heads[0].Height))
        {
            Resampler.Resize(image, CropBox.Whole(shown), shown, ResampleFilter.Bicubic); // the same size: a crop
            PngWriter.Save(shown, Path.Combine(stem, "image.png"));
        }

        SaveMap(AttentionMaps.Mean(heads), "mean");
        for (int head = 0; head < heads.Count; head++)
        {
            SaveMap(heads[head], string.Create(CultureInfo.InvariantCulture, $"head{head}"));
        }

        string path = stem + ".png";
        using var sheet = AttentionSheet.Draw(image, heads, mass);
        PngWriter.Save(sheet, path);
        return path;

        void SaveMap(AttentionMap map, string name)
        {
            using PixelImage heat = map.Heatmap(), mask = map.MaskPicture(mass), overlay = map.Overlay(image, mass);
            PngWriter.Save(heat, Path.Combine(stem, $"attention-{name}.png"));
            PngWriter.Save(mask, Path.Combine(stem, $"mask-{name}.png"));
            PngWriter.Save(overlay, Path.Combine(stem, $"overlay-{name}.png"));
        }
    }
}
