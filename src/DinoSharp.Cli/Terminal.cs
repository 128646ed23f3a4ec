using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using DinoSharp.Cli.Commands;
using Spectre.Console;

namespace DinoSharp.Cli;

/// <summary>Where a verb speaks: to people on standard output; or, with --json, one object there and to people on standard error.
/// Of several processes the first alone speaks.</summary>
internal sealed class Terminal
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>A file has no edge at which a table would have to be broken.</summary>
    private const int LogWidth = 400;

    private readonly bool _json;
    private readonly TextWriter _people;

    private Terminal(bool json)
    {
        _json = json;
        _people = !Ranks.Group.IsFirst ? TextWriter.Null : json ? Console.Error : Console.Out;
        var settings = new AnsiConsoleSettings { Out = new AnsiConsoleOutput(_people) };
        if (Ranks.AreSeveral)
        {
            (settings.Ansi, settings.Interactive) = (AnsiSupport.No, InteractionSupport.No); // what is said goes to a log
        }

        Rich = AnsiConsole.Create(settings);
        if (!Rich.Profile.Out.IsTerminal || Ranks.AreSeveral)
        {
            Rich.Profile.Width = LogWidth;
        }
    }

    /// <summary>For tables and progress.</summary>
    public IAnsiConsole Rich { get; }

    /// <summary>The terminal that a command line asks for.</summary>
    public static Terminal Of(ParseResult parsed) => new(parsed.GetValue(GlobalOptions.Json));

    /// <summary>A line to people, never broken.</summary>
    public void Line(string text) => _people.WriteLine(text);

    /// <summary>A table to people.</summary>
    public void Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (string column in columns)
        {
            table.AddColumn(new TableColumn(Markup.Escape(column)) { NoWrap = true });
        }

        foreach (var row in rows)
        {
            table.AddRow(row.Select(Markup.Escape).ToArray());
        }

        Rich.Write(table);
    }

    /// <summary>The verb's result for programs, if they asked.</summary>
    public void Result(JsonObject result)
    {
        if (_json)
        {
            Console.Out.WriteLine(result.ToJsonString(Indented));
        }
    }
}
