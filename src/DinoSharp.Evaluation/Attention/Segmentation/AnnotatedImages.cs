namespace DinoSharp.Evaluation.Attention.Segmentation;

/// <summary>Finds pictures and their masks.</summary>
public static class AnnotatedImages
{
    private const string MaskEnding = ".png";

    /// <summary>A split of PASCAL VOC in its public layout: JPEGImages, SegmentationClass, ImageSets/Segmentation.</summary>
    /// <param name="folder">VOC2012, or VOCdevkit around it</param>
    /// <param name="split">name of a list in ImageSets/Segmentation</param>
    /// <exception cref="EvaluationException">The list, or a file that it names, is missing.</exception>
    public static IReadOnlyList<AnnotatedImage> OfVoc(string folder, string split = "val")
    {
        string inside = Path.Combine(folder, "VOC2012");
        string root = Directory.Exists(inside) ? inside : folder;
        string list = Path.Combine(root, "ImageSets", "Segmentation", split + ".txt");
        if (!File.Exists(list))
        {
            throw new EvaluationException($"{list}: is missing; name the folder VOC2012 of PASCAL VOC's devkit, and a list that it has");
        }

        AnnotatedImage[] images =
        [
            .. File.ReadLines(list).Select(line => line.Trim()).Where(id => id.Length > 0).Select(id => new AnnotatedImage(
                id, Path.Combine(root, "JPEGImages", id + ".jpg"), Path.Combine(root, "SegmentationClass", id + MaskEnding))),
        ];
        string[] missing = [.. images.SelectMany(image => new[] { image.ImagePath, image.MaskPath }).Where(path => !File.Exists(path))];
        return missing.Length > 0
            ? throw new EvaluationException(
                $"{missing[0]}: is missing{(missing.Length > 1 ? $", as are {missing.Length - 1} more files" : "")} "
                + $"that {list} names; unpack the devkit's archive again")
            : images.Length > 0 ? images : throw new EvaluationException($"{list}: names no image; unpack the devkit's archive again");
    }

    /// <summary>Masks of a folder with the pictures of the same names, endings aside, of another. Pictures without a mask are left out.</summary>
    /// <param name="images">pictures, in folders or not</param>
    /// <param name="masks">PNG files, in the same folders</param>
    /// <exception cref="EvaluationException">A folder is missing, there is no mask, or a mask has not exactly one picture.</exception>
    public static IReadOnlyList<AnnotatedImage> OfFolders(string images, string masks)
    {
        var pictures = Files(images).ToLookup(path => Stem(images, path), StringComparer.Ordinal);
        AnnotatedImage[] annotated =
        [
            .. Files(masks).Where(path => Path.GetExtension(path).Equals(MaskEnding, StringComparison.OrdinalIgnoreCase))
                .Select(path => new AnnotatedImage(Stem(masks, path), PictureOf(path), path))
                .OrderBy(image => image.Name, StringComparer.Ordinal),
        ];
        return annotated.Length > 0
            ? annotated
            : throw new EvaluationException($"{masks}: holds no mask; masks are PNG files named as the pictures");

        string PictureOf(string mask)
        {
            string[] found = [.. pictures[Stem(masks, mask)]];
            return found.Length == 1
                ? found[0]
                : throw new EvaluationException(found.Length == 0
                    ? $"{mask}: no picture in {images} has the name of this mask; masks are named as their pictures, endings aside"
                    : $"{mask}: {found.Length} pictures in {images} have the name of this mask; rename all but one");
        }
    }

    private static IEnumerable<string> Files(string folder) => Directory.Exists(folder)
        ? Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(path => !Path.GetFileName(path).StartsWith('.'))
        : throw new EvaluationException($"{folder}: there is no such folder; check the path");

    private static string Stem(string folder, string path) =>
        Path.ChangeExtension(Path.GetRelativePath(folder, path), null).Replace(Path.DirectorySeparatorChar, '/');
}
