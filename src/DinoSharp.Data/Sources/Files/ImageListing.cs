namespace DinoSharp.Data;

/// <summary>Images by name and, where there are any, their labels.</summary>
/// <param name="Names">A name an image.</param>
/// <param name="Labels">A class an image; null if unlabelled.</param>
/// <param name="Classes">Names of the classes; empty if unlabelled.</param>
internal sealed record ImageListing(NameTable Names, int[]? Labels, IReadOnlyList<string> Classes)
{
    public static ImageListing Unlabelled(NameTable names) => new(names, null, []);

    public static ImageListing Labelled(NameTable names, ClassColumn classes)
    {
        (int[] labels, string[] classNames) = classes.Number();
        return new ImageListing(names, labels, classNames);
    }

    public int LabelOf(int index) => Labels is null ? -1 : Labels[index];
}
