using System.Collections;
using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Globalization;
using System.Text;
using DinoSharp.Data;

namespace DinoSharp.Cli.Commands;

/// <summary>Options under a heading of the help.</summary>
internal sealed record OptionGroup(string Heading, params Option[] Options);

/// <summary>A command with more options than one list can show.</summary>
/// <param name="name">the verb</param>
/// <param name="description">what it does</param>
/// <param name="example">a first command line</param>
/// <param name="note">a last line</param>
/// <param name="groups">its options, the most used first</param>
internal sealed class GroupedCommand(string name, string description, string example, string note, params OptionGroup[] groups)
    : Command(name, description)
{
    public string Example => example;

    public string Note => note;

    public IReadOnlyList<OptionGroup> Groups => groups;
}

/// <summary>
/// The help of a <see cref="GroupedCommand"/>: by groups, names on the left, what they do and their defaults on the right.
/// </summary>
/// <param name="plain">the help of all other commands</param>
internal sealed class GroupedHelp(HelpAction plain) : SynchronousCommandLineAction
{
    private const int Width = 118;
    private const int NameWidth = 36;

    /// <summary>Who asks for help need not have given what is required.</summary>
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        if (parseResult.CommandResult.Command is not GroupedCommand command)
        {
            return plain.Invoke(parseResult);
        }

        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"dino {command.Name}: {command.Description}").AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"  {command.Example}");
        var common = new OptionGroup("Every command", GlobalOptions.Device, GlobalOptions.Json, GlobalOptions.Verbose);
        foreach (var group in command.Groups.Append(common))
        {
            text.AppendLine().AppendLine(group.Heading);
            foreach (var option in group.Options)
            {
                Describe(option, text);
            }
        }

        text.AppendLine().AppendLine(command.Note);
        parseResult.InvocationConfiguration.Output.Write(text);
        return 0;
    }

    private static void Describe(Option option, StringBuilder text)
    {
        string name = $"  {option.Name} {ValueName(option)}".TrimEnd();
        string description = option.Description + DefaultText(option);
        if (name.Length > NameWidth - 2)
        {
            text.AppendLine(name);
            name = "";
        }

        foreach (string line in Wrap(description, Width - NameWidth))
        {
            text.AppendLine(name.PadRight(NameWidth) + line);
            name = "";
        }
    }

    private static string ValueName(Option option)
    {
        var type = Nullable.GetUnderlyingType(option.ValueType) ?? option.ValueType;
        return option.HelpName
            ?? (type == typeof(bool) ? "" : type == typeof(int) || type == typeof(long) ? "N" : type == typeof(double) ? "X" : "TEXT");
    }

    private static string DefaultText(Option option) => option.HasDefaultValue && option.GetDefaultValue() is { } value
        ? value switch
        {
            false => "",
            true => " (default true; false turns it off)",
            double number => $" (default {Show(number)})",
            Interval interval => $" (default {Show(interval.Low)} {Show(interval.High)})",
            Enum choice => $" (default {WordOf(choice, option.HelpName!.Split('|'))})",
            _ => string.Create(CultureInfo.InvariantCulture, $" (default {value})"),
        }
        : "";

    /// <summary>Words of a choice are its value's name, with hyphens perhaps.</summary>
    private static string WordOf(Enum choice, string[] words) => words.First(
        word => word.Replace("-", "", StringComparison.Ordinal).Equals(choice.ToString(), StringComparison.OrdinalIgnoreCase));

    private static string Show(double number) => number.ToString("0.######", CultureInfo.InvariantCulture);

    private static IEnumerable<string> Wrap(string text, int width)
    {
        var line = new StringBuilder();
        foreach (string word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line.ToString();
                line.Clear();
            }

            line.Append(line.Length > 0 ? " " : "").Append(word);
        }

        yield return line.ToString();
    }
}
