using System.Globalization;
using System.Text;

namespace DinoSharp.Cli.Tests;

/// <summary>Pickles of protocol 0, which is text, as Python writes them of dicts, lists, texts and numbers.</summary>
internal static class PythonPickle
{
    public static byte[] Of(object root) => Encoding.Latin1.GetBytes(Value(root) + ".");

    private static string Value(object value) => value switch
    {
        string text => $"V{text}\n",
        int number => string.Create(CultureInfo.InvariantCulture, $"I{number}\n"),
        double number => string.Create(CultureInfo.InvariantCulture, $"F{number}\n"),
        Dictionary<string, object> members => "(d" + string.Concat(members.Select(m => $"{Value(m.Key)}{Value(m.Value)}s")),
        System.Collections.IEnumerable list => "(l" + string.Concat(list.Cast<object>().Select(e => $"{Value(e)}a")),
        _ => throw new ArgumentException($"no pickle of {value.GetType()}", nameof(value)),
    };
}
