using System.CommandLine;
using System.Globalization;
using DinoSharp.Imaging;
using static DinoSharp.Cli.Commands.OptionFactory;

namespace DinoSharp.Cli.Commands;

/// <summary>The options of what an image file is decoded to, where the published pipeline and what people expect differ.</summary>
internal sealed class DecodingOptions
{
    private static readonly (string Name, PixelColor Color)[] Colors = [("white", new(255, 255, 255)), ("black", default)];

    private readonly Option<bool> _orientation = Flag(
        "--exif-orientation", "turns photographs upright as their EXIF data say; the published pipeline leaves them lying");
    private readonly Option<string?> _background = Text(
        "--background", "what shows through transparent pixels: white, black or #rrggbb; by default the colours under them, as in Pillow");

    public DecodingOptions() => _background.HelpName = "COLOUR";

    /// <summary>All options, in the order of the help.</summary>
    public Option[] All => [_orientation, _background];

    /// <summary>Whether photographs are turned.</summary>
    public bool Orientation(ParseResult parsed) => parsed.GetValue(_orientation);

    /// <summary>The colour behind transparent pixels; null for none.</summary>
    /// <exception cref="RequestException">It is no colour.</exception>
    public PixelColor? Background(ParseResult parsed)
    {
        if (parsed.GetValue(_background) is not { } text)
        {
            return null;
        }

        foreach (var (name, color) in Colors)
        {
            if (string.Equals(name, text, StringComparison.OrdinalIgnoreCase))
            {
                return color;
            }
        }

        return text.Length == 7 && text[0] == '#'
            && uint.TryParse(text.AsSpan(1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint rgb)
                ? new PixelColor((byte)(rgb >> 16), (byte)(rgb >> 8), (byte)rgb)
                : throw new RequestException($"{_background.Name} is white, black or a colour such as #8090a0, not '{text}'");
    }

    /// <summary>How a command line wants images decoded.</summary>
    /// <exception cref="RequestException">A value makes no sense.</exception>
    public DecodeOptions Read(ParseResult parsed, int channels) => new()
    {
        Channels = channels,
        ApplyOrientation = Orientation(parsed),
        Background = Background(parsed),
    };
}
