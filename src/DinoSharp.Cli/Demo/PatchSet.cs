using System.Globalization;
using DinoSharp.Data;
using DinoSharp.Imaging;

namespace DinoSharp.Cli.Demo;

/// <summary>
/// A small labelled set out of a few photographs: each is cut into patches, whose class is the photograph. Training patches are of its
/// left two thirds and test patches of the rest, so that none shows what another of the other kind shows.
/// </summary>
internal static class PatchSet
{
    /// <summary>Side of a patch in pixels.</summary>
    public const int PatchSide = 32;

    private const int Step = PatchSide / 2;

    /// <summary>The shorter side of a photograph before it is cut, so that all give about as many patches.</summary>
    private const int PhotoSide = 384;

    /// <summary>Writes train/PHOTO/*.png and test/PHOTO/*.png, all or nothing. A folder that is there already is left as it is.</summary>
    public static void Cut(IImageSource photos, string folder)
    {
        if (Directory.Exists(folder))
        {
            return;
        }

        string beside = folder + ".partial";
        if (Directory.Exists(beside))
        {
            Directory.Delete(beside, recursive: true);
        }

        for (int i = 0; i < photos.Count; i++)
        {
            using var photo = photos.Load(i, new DecodeOptions());
            using var scaled = Scale(photo);
            CutPhoto(scaled, beside, Path.GetFileNameWithoutExtension(photos.NameOf(i)));
        }

        Directory.Move(beside, folder);
    }

    private static PixelImage Scale(PixelImage photo)
    {
        double factor = (double)PhotoSide / Math.Min(photo.Width, photo.Height);
        var scaled = new PixelImage((int)Math.Round(photo.Width * factor), (int)Math.Round(photo.Height * factor));
        Resampler.Resize(photo, CropBox.Whole(photo), scaled, ResampleFilter.Bicubic);
        return scaled;
    }

    private static void CutPhoto(PixelImage photo, string folder, string name)
    {
        int border = photo.Width * 2 / 3;
        using var patch = new PixelImage(PatchSide, PatchSide);
        foreach (var (split, from, to) in new[] { ("train", 0, border), ("test", border, photo.Width) })
        {
            string target = Path.Combine(folder, split, name);
            Directory.CreateDirectory(target);
            for (int top = 0; top + PatchSide <= photo.Height; top += Step)
            {
                for (int left = from; left + PatchSide <= to; left += Step)
                {
                    // At its own size a resampling is a copy.
                    Resampler.Resize(photo, new CropBox(top, left, PatchSide, PatchSide), patch, ResampleFilter.Bicubic);
                    PngWriter.Save(patch, Path.Combine(target, string.Create(CultureInfo.InvariantCulture, $"{top:D4}-{left:D4}.png")));
                }
            }
        }
    }
}
