using System.CommandLine;

namespace DinoSharp.Cli.Commands;

/// <summary>The words for yes and no of the reference's scripts: the parser takes none but true and false for a flag's value.</summary>
internal static class FlagWords
{
    /// <summary>on and 1 as true, off and 0 as false, where they follow the name of a flag.</summary>
    public static string[] Spell(RootCommand root, string[] words)
    {
        var flags = root.Subcommands.SelectMany(verb => verb.Options)
            .Where(option => option.ValueType == typeof(bool))
            .SelectMany(option => option.Aliases.Append(option.Name))
            .ToHashSet();
        string[] spelled = [.. words];
        for (int i = 0; i < words.Length; i++)
        {
            if (i > 0 && flags.Contains(words[i - 1]))
            {
                spelled[i] = Plain(words[i]);
            }
            else if (words[i].Split('=', 2) is [string name, string value] && flags.Contains(name))
            {
                spelled[i] = $"{name}={Plain(value)}";
            }
        }

        return spelled;
    }

    private static string Plain(string word) => word.ToLowerInvariant() switch
    {
        "on" or "1" => "true",
        "off" or "0" => "false",
        _ => word,
    };
}
