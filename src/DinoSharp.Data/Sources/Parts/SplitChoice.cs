using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Text.RegularExpressions;

namespace DinoSharp.Data;

/// <summary>
/// What a person says of a split: a name, a share in percent, or a share of the named one, as in <c>train</c>, <c>[90%:]</c> and
/// <c>train[:90%]</c>.
/// </summary>
/// <param name="Name">The split's name, null for none.</param>
/// <param name="From">Where the share begins, in percent.</param>
/// <param name="To">Where it ends, in percent.</param>
internal sealed partial record SplitChoice(string? Name, double From, double To)
{
    private const double Whole = 100;

    /// <param name="path">What the split is of, for errors.</param>
    /// <param name="split">What a person wrote, null for nothing.</param>
    /// <exception cref="ImageSourceException">It cannot be understood.</exception>
    public static SplitChoice Parse(string path, string? split)
    {
        if (split is null || !split.Contains('[', StringComparison.Ordinal))
        {
            return new SplitChoice(split, 0, Whole);
        }

        Match match = Slice().Match(split);
        SplitChoice choice = new(
            match.Groups["name"] is { Length: > 0 } name ? name.Value : null,
            Percent(match.Groups["from"], 0),
            Percent(match.Groups["to"], Whole));
        return match.Success && choice.From < choice.To && choice.To <= Whole
            ? choice
            : throw new ImageSourceException(
                path, $"the split '{split}' cannot be understood; write it like train, train[:90%], [90%:] or test[20%:50%]");
    }

    /// <summary>
    /// Takes the share of a source, which it then owns. An image is in or out by a hash of its name and by nothing else: it stays so when
    /// others come or go, the parts on both sides of a percentage have no image in common, and the shares are met nearly, not exactly.
    /// </summary>
    public IImageSource Of(IImageSource source)
    {
        if ((From, To) == (0, Whole))
        {
            return source;
        }

        try
        {
            int[] chosen = [.. Enumerable.Range(0, source.Count).Where(i => Contains(source.NameOf(i)))];
            return SubsetSource.InOrder(source, chosen, ownsWhole: true);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    private bool Contains(string name)
    {
        double place = XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(name)) * (Whole / Math.Pow(2, 64));
        return place >= From && (place < To || To == Whole);
    }

    private static double Percent(Group text, double otherwise) =>
        text.Length > 0 ? double.Parse(text.Value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture) : otherwise;

    [GeneratedRegex(@"^(?<name>[^\[\]]*)\[((?<from>\d+(\.\d+)?)%)?:((?<to>\d+(\.\d+)?)%)?\]$", RegexOptions.ExplicitCapture)]
    private static partial Regex Slice();
}
