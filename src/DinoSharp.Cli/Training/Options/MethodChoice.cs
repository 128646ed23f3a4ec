using DinoSharp.Methods;
using DinoSharp.Models;

namespace DinoSharp.Cli.Training;

/// <summary>Which method a command line trains with, and what kind of network: they decide which options there are, and their defaults.</summary>
/// <param name="Definition">the method</param>
/// <param name="Transformer">whether the network is a transformer</param>
internal sealed record MethodChoice(MethodDefinition Definition, bool Transformer)
{
    public const string UsualMethod = "dino";
    public const string UsualArch = "vit_small";

    /// <summary>What a command line chooses, before it is read as a whole.</summary>
    /// <exception cref="ArgumentException">There is no such method.</exception>
    public static MethodChoice Of(IReadOnlyList<string> arguments) => new(
        MethodCatalogue.Named(ValueOf(arguments, "--method") ?? UsualMethod),
        // An unknown name is told of when the options are read.
        !(ValueOf(arguments, "--arch") ?? ValueOf(arguments, "-a") ?? UsualArch).StartsWith("resnet", StringComparison.Ordinal));

    private static string? ValueOf(IReadOnlyList<string> arguments, string option)
    {
        for (int i = arguments.Count - 1; i >= 0; i--)
        {
            if (arguments[i] == option)
            {
                return arguments.ElementAtOrDefault(i + 1);
            }

            if (arguments[i].StartsWith(option + "=", StringComparison.Ordinal))
            {
                return arguments[i][(option.Length + 1)..];
            }
        }

        return null;
    }
}
