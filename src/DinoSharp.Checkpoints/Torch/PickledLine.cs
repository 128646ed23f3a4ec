using System.Globalization;
using System.Text;

namespace DinoSharp.Checkpoints;

/// <summary>Texts of protocol 0: a line with escapes, of Python 2's str in quotes (STRING) or of unicode without (UNICODE).</summary>
internal static class PickledLine
{
    /// <exception cref="InvalidDataException">The line is no text.</exception>
    public static string Text(string line, bool quoted)
    {
        line = line.TrimEnd('\r');
        if (quoted)
        {
            line = line.Length >= 2 && line[0] == line[^1] && line[0] is '\'' or '"'
                ? line[1..^1]
                : throw new InvalidDataException("a text of its pickle is not in quotes");
        }

        StringBuilder text = new();
        for (int i = 0; i < line.Length; i++)
        {
            if (line[i] != '\\')
            {
                text.Append(line[i]);
                continue;
            }

            char kind = ++i < line.Length ? line[i] : '\0';
            int digits = kind switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
            text.Append((kind, digits) switch
            {
                (_, > 0) => Coded(line, i + 1, digits),
                ('n', _) => "\n",
                ('r', _) => "\r",
                ('t', _) => "\t",
                ('\\' or '\'' or '"', _) => kind.ToString(),
                _ => throw new InvalidDataException("a text of its pickle has an unknown escape"),
            });
            i += digits;
        }

        return text.ToString();
    }

    private static string Coded(string line, int start, int digits) =>
        start + digits <= line.Length
            && int.TryParse(line.AsSpan(start, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code)
            && code is (>= 0 and < 0xD800) or (> 0xDFFF and <= 0x10FFFF)
            ? char.ConvertFromUtf32(code)
            : throw new InvalidDataException("a text of its pickle has a damaged escape");
}
