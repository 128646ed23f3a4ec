using System.Globalization;

namespace DinoSharp.Data;

/// <summary>The class of each image, gathered by name; a name is kept once.</summary>
internal sealed class ClassColumn
{
    private readonly List<int> _places = [];
    private readonly List<string> _names = [];
    private readonly Dictionary<string, int> _placeOf = [];

    /// <summary>The next image's class.</summary>
    public void Add(ReadOnlySpan<char> name)
    {
        var places = _placeOf.GetAlternateLookup<ReadOnlySpan<char>>();
        if (!places.TryGetValue(name, out int place))
        {
            place = _names.Count;
            _names.Add(name.ToString());
            places[name] = place;
        }

        _places.Add(place);
    }

    /// <summary>The next image has the class of the one before.</summary>
    public void AddSame() => _places.Add(_places[^1]);

    /// <summary>Numbers the classes in the order of their names: as numbers if all are, else ordinally.</summary>
    public (int[] Labels, string[] Classes) Number()
    {
        string[] classes = [.. _names.Order(StringComparer.Ordinal)];
        if (classes.All(name => IsNumber(name, out _)))
        {
            classes = [.. classes.OrderBy(name => IsNumber(name, out long number) ? number : 0)];
        }

        int[] labels = new int[classes.Length];
        for (int label = 0; label < classes.Length; label++)
        {
            labels[_placeOf[classes[label]]] = label;
        }

        int[] labelOfEach = new int[_places.Count];
        for (int i = 0; i < labelOfEach.Length; i++)
        {
            labelOfEach[i] = labels[_places[i]];
        }

        return (labelOfEach, classes);
    }

    private static bool IsNumber(string name, out long number) =>
        long.TryParse(name, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
}
