using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using DinoSharp.Data;

namespace DinoSharp.Cli.Commands;

/// <summary>
/// Options with kebab-case names, and the ways of the reference's scripts to write values. Underscores in names are dealt with before
/// (<see cref="ReferenceCommandLine"/>).
/// </summary>
internal static class OptionFactory
{
    /// <summary>A number or text.</summary>
    public static Option<T> Value<T>(string name, string description, T initial, params string[] aliases) =>
        new(name, aliases) { Description = description, DefaultValueFactory = _ => initial };

    /// <summary>A text that may be left out.</summary>
    public static Option<string?> Text(string name, string description, params string[] aliases) =>
        new(name, aliases) { Description = description };

    /// <summary>A number that may be left out.</summary>
    public static Option<T?> Maybe<T>(string name, string description, params string[] aliases)
        where T : struct => new(name, aliases) { Description = description };

    /// <summary>Several values after one name, as in --nb-knn 10 20.</summary>
    public static Option<T[]> Values<T>(string name, string description, T[] initial, params string[] aliases)
    {
        var option = Several<T>(name, description, aliases);
        option.DefaultValueFactory = _ => initial;
        return option;
    }

    /// <summary>Several values, or none.</summary>
    public static Option<T[]> Several<T>(string name, string description, params string[] aliases) =>
        new(name, aliases) { Description = description, Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = true };

    /// <summary>Yes or no: the bare name, or followed by true or false; also by on, off, 1 or 0 (<see cref="FlagWords"/>).</summary>
    public static Option<bool> Flag(string name, string description, bool initial = false, params string[] aliases) =>
        new(name, aliases)
        {
            Description = description,
            Arity = ArgumentArity.ZeroOrOne,
            DefaultValueFactory = _ => initial,
            CustomParser = ParseFlag,
        };

    /// <summary>One of a few words.</summary>
    public static Option<T> Choice<T>(string name, string description, T initial, params (string Word, T Value)[] choices)
    {
        string words = string.Join(", ", choices.Select(c => c.Word));
        return new Option<T>(name)
        {
            Description = description,
            HelpName = string.Join('|', choices.Select(c => c.Word)),
            DefaultValueFactory = _ => initial,
            CustomParser = result =>
            {
                string word = result.Tokens[0].Value.Replace('_', '-').ToLowerInvariant();
                foreach (var choice in choices)
                {
                    if (choice.Word == word)
                    {
                        return choice.Value;
                    }
                }

                result.AddError($"{name} is one of {words}, not '{result.Tokens[0].Value}'");
                return initial;
            },
        };
    }

    /// <summary>Two numbers after one name, as in --global-crops-scale 0.4 1.</summary>
    public static Option<Interval> Range(string name, string description, Interval initial) =>
        new(name)
        {
            Description = description,
            HelpName = "LOW HIGH",
            Arity = new ArgumentArity(2, 2),
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => initial,
            CustomParser = ParseInterval,
        };

    /// <summary>The length of time that an option asks for.</summary>
    /// <exception cref="RequestException">It is negative or longer than a year.</exception>
    public static TimeSpan Minutes(Option option, double minutes)
    {
        const double year = 365 * 24 * 60;
        return minutes is >= 0 and <= year
            ? TimeSpan.FromMinutes(minutes)
            : throw new RequestException($"{option.Name} must be in [0, {year}], not {minutes}");
    }

    /// <summary>Whether a command line names an option.</summary>
    public static bool IsGiven(this ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };

    /// <summary>What a command line gives for an option, or another value if it does not name it.</summary>
    public static T Or<T>(this ParseResult parsed, Option<T> option, T other) => parsed.IsGiven(option) ? parsed.GetValue(option)! : other;

    /// <summary>Refuses options that would have no effect.</summary>
    /// <param name="parsed">the command line</param>
    /// <param name="reason">what is said behind the option's name</param>
    /// <param name="options">those that it may not name</param>
    /// <exception cref="RequestException">It names one.</exception>
    public static void Refuse(this ParseResult parsed, string reason, IEnumerable<Option> options)
    {
        if (options.FirstOrDefault(option => parsed.IsGiven(option)) is { } given)
        {
            throw new RequestException($"{given.Name} {reason}");
        }
    }

    private static bool ParseFlag(ArgumentResult result)
    {
        switch (result.Tokens.Count == 0 ? "true" : result.Tokens[0].Value.ToLowerInvariant())
        {
            case "true":
                return true;
            case "false":
                return false;
            default:
                result.AddError($"'{result.Tokens[0].Value}' is neither true nor false");
                return false;
        }
    }

    private static Interval ParseInterval(ArgumentResult result)
    {
        double[] numbers = new double[2];
        for (int i = 0; i < numbers.Length; i++)
        {
            if (!double.TryParse(result.Tokens[i].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out numbers[i]))
            {
                result.AddError($"'{result.Tokens[i].Value}' is not a number");
            }
        }

        return new Interval(numbers[0], numbers[1]);
    }
}
