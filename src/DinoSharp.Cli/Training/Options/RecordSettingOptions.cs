using System.CommandLine;
using System.Reflection;
using System.Text;
using DinoSharp.Cli.Commands;
using DinoSharp.Methods;

namespace DinoSharp.Cli.Training;

/// <summary>Options made of the properties that a method's settings mark with <see cref="SettingAttribute"/>: QueueSize is --queue-size.</summary>
internal sealed class RecordSettingOptions : MethodSettingOptions
{
    private readonly List<(PropertyInfo Property, Option Option, Func<ParseResult, object?> Value)> _settings = [];

    /// <param name="published">its values are the defaults that the help names</param>
    public RecordSettingOptions(MethodOptions published)
    {
        foreach (var property in published.GetType().GetProperties())
        {
            if (property.GetCustomAttribute<SettingAttribute>() is { Description: var description })
            {
                string name = $"--{Kebab(property.Name)}";
                var (option, value) = Create(property, name, description, property.GetValue(published));
                _settings.Add((property, option, value));
            }
        }
    }

    public override IReadOnlyList<Option> All => [.. _settings.Select(setting => setting.Option)];

    public override MethodOptions Read(ParseResult parsed, MethodOptions chosen)
    {
        var settings = chosen with { }; // a copy of the method's own type
        foreach (var (property, option, value) in _settings)
        {
            if (parsed.IsGiven(option))
            {
                property.SetValue(settings, value(parsed));
            }
        }

        return settings;
    }

    private static (Option Option, Func<ParseResult, object?> Value) Create(PropertyInfo property, string name, string description, object? initial)
    {
        var type = property.PropertyType;
        return
            type == typeof(int) ? Typed(OptionFactory.Value(name, description, (int)initial!)) :
            type == typeof(double) ? Typed(OptionFactory.Value(name, description, (double)initial!)) :
            type == typeof(bool) ? Typed(OptionFactory.Flag(name, description, (bool)initial!)) :
            type == typeof(string) ? Typed(OptionFactory.Text(name, description)) :
            type.IsEnum ? Words(type, name, description, initial!) :
            throw new NotSupportedException($"{property.DeclaringType!.Name}.{property.Name}: no option can be made of {type.Name}");

        static (Option, Func<ParseResult, object?>) Typed<T>(Option<T> option) => (option, parsed => parsed.GetValue(option));
    }

    private static (Option, Func<ParseResult, object?>) Words(Type type, string name, string description, object initial)
    {
        var choices = Enum.GetValues(type).Cast<Enum>().Select(value => (Kebab(value.ToString()), value)).ToArray();
        var option = OptionFactory.Choice(name, description, (Enum)initial, choices);
        return (option, parsed => parsed.GetValue(option));
    }

    /// <summary>QueueSize as queue-size.</summary>
    private static string Kebab(string name)
    {
        var text = new StringBuilder();
        foreach (char letter in name)
        {
            text.Append(char.IsUpper(letter) && text.Length > 0 ? "-" : "").Append(char.ToLowerInvariant(letter));
        }

        return text.ToString();
    }
}
