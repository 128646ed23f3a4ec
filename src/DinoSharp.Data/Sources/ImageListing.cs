using System.Globalization;

namespace DinoSharp.Data;

/// <summary>Images by name and, where there are any, their labels.</summary>
/// <param name="Names">A name an image.</param>
/// <param name="Labels">A class an image; null if unlabelled.</param>
/// <param name="Classes">Names of the classes; empty if unlabelled.</param>
internal sealed record ImageListing(IReadOnlyList<string> Names, IReadOnlyList<int>? Labels, IReadOnlyList<string> Classes)
{
    public static ImageListing Unlabelled(IReadOnlyList<string> names) => new(names, null, []);

    /// <summary>Classes are numbered in the order of their names: as numbers if all are, else ordinally.</summary>
    public static ImageListing Labelled(IReadOnlyList<string> names, IReadOnlyList<string> classOfEach)
    {
        string[] classes = [.. classOfEach.Distinct().Order(StringComparer.Ordinal)];
        if (classes.All(name => IsNumber(name, out _)))
        {
            classes = [.. classes.OrderBy(name => IsNumber(name, out long number) ? number : 0)];
        }

        Dictionary<string, int> labels = classes.Index().ToDictionary(pair => pair.Item, pair => pair.Index);
        return new ImageListing(names, [.. classOfEach.Select(name => labels[name])], classes);
    }

    public int LabelOf(int index) => Labels is null ? -1 : Labels[index];

    private static bool IsNumber(string name, out long number) =>
        long.TryParse(name, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
}
