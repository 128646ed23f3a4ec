using System.Collections;
using System.Globalization;
using System.Numerics;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using DinoSharp.Checkpoints;

namespace DinoSharp.Cli.Commands;

/// <summary>Values and names out of a checkpoint, for showing: a file may hold any of them at any length, nested without end.</summary>
internal static class PickledText
{
    private const int LongestText = 200;
    private const int MostElements = 16;
    private const int LongestInteger = 256; // bits

    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A name without what would steer a terminal.</summary>
    public static string Name(string name) => string.Concat(Shortened(name).Select(c => char.IsControl(c) ? '?' : c));

    /// <summary>A value in one line.</summary>
    public static string Line(object? value) => value is string text ? Name(text) : Json(value)?.ToJsonString(Readable) ?? "None";

    /// <summary>A value, its elements and no more.</summary>
    public static JsonNode? Json(object? value) => value is IList and not byte[]? Elements((IList)value) : Simple(value);

    private static JsonArray Elements(IList list)
    {
        var shown = new JsonArray([.. list.Cast<object?>().Take(MostElements).Select(Simple)]);
        if (list.Count > MostElements)
        {
            shown.Add("...");
        }

        return shown;
    }

    private static JsonNode? Simple(object? value) => value switch
    {
        null => null,
        bool truth => truth,
        long number => number,
        double number when double.IsFinite(number) => number,
        double number => number.ToString(CultureInfo.InvariantCulture),
        string text => Shortened(text),
        BigInteger number when number.GetBitLength() <= LongestInteger => number.ToString(CultureInfo.InvariantCulture),
        BigInteger number => string.Create(CultureInfo.InvariantCulture, $"(an integer of {number.GetBitLength()} bits)"),
        ArrayData array => $"(tensor [{string.Join(", ", array.Shape)}])",
        _ => "(...)",
    };

    private static string Shortened(string text) => text.Length <= LongestText ? text : text[..LongestText] + "...";
}
