using System.Globalization;

namespace DinoSharp.Data;

/// <summary>Paths with braces, as bash expands them: <c>{a,b}</c>, <c>{000..127}</c>, <c>{0..9..3}</c>, several and nested.</summary>
internal static class Braces
{
    /// <summary>More files than this are a slip of the pen.</summary>
    private const int MaxPaths = 1_000_000;

    /// <summary>Whether braces in the path stand for anything.</summary>
    public static bool In(string path) => Find(path) is not null;

    /// <exception cref="ImageSourceException">They stand for too much.</exception>
    public static IReadOnlyList<string> Expand(string path)
    {
        List<string> paths = [];
        Expand(path, "", path, paths);
        return paths;
    }

    private static void Expand(string whole, string before, string rest, List<string> paths)
    {
        if (Find(rest) is not (int open, int close, { } choices))
        {
            paths.Add(before + rest);
            return;
        }

        foreach (string choice in choices)
        {
            if (paths.Count >= MaxPaths)
            {
                throw new ImageSourceException(whole, $"its braces stand for more than {MaxPaths} files; correct them");
            }

            Expand(whole, before + rest[..open], choice + rest[(close + 1)..], paths);
        }
    }

    /// <summary>The first braces that stand for something, and what for; others, such as those of <c>{x}</c>, are letters.</summary>
    private static (int Open, int Close, IEnumerable<string> Choices)? Find(string text)
    {
        for (int open = text.IndexOf('{'); open >= 0; open = text.IndexOf('{', open + 1))
        {
            List<int> commas = [];
            int close = open + 1, depth = 0;
            for (; close < text.Length && (depth > 0 || text[close] != '}'); close++)
            {
                depth += text[close] == '{' ? 1 : text[close] == '}' ? -1 : 0;
                if (depth == 0 && text[close] == ',')
                {
                    commas.Add(close);
                }
            }

            IEnumerable<string>? choices = close == text.Length ? null
                : commas.Count > 0 ? Parts(text, open, close, commas) : Sequence(text[(open + 1)..close]);
            if (choices is not null)
            {
                return (open, close, choices);
            }
        }

        return null;
    }

    private static IEnumerable<string> Parts(string text, int open, int close, List<int> commas)
    {
        int[] borders = [open, .. commas, close];
        return borders.Zip(borders.Skip(1), (from, to) => text[(from + 1)..to]);
    }

    /// <summary>The numbers of <c>from..to</c> or <c>from..to..step</c>, as wide as the wider if either begins with 0.</summary>
    private static IEnumerable<string>? Sequence(string range)
    {
        string[] parts = range.Split("..");
        int[] numbers = [.. parts.Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : -1)];
        if (parts.Length is not (2 or 3) || numbers.Contains(-1))
        {
            return null;
        }

        int width = parts.Take(2).Any(part => part.Length > 1 && part[0] == '0') ? parts.Take(2).Max(part => part.Length) : 1;
        long step = Math.Max(1, parts.Length == 3 ? numbers[2] : 1) * (numbers[1] < numbers[0] ? -1L : 1);
        return Count(numbers[0], numbers[1], step).Select(n => n.ToString(CultureInfo.InvariantCulture).PadLeft(width, '0'));
    }

    private static IEnumerable<long> Count(long from, long to, long step)
    {
        for (long n = from; step > 0 ? n <= to : n >= to; n += step)
        {
            yield return n;
        }
    }
}
