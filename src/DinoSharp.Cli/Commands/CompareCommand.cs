using System.CommandLine;
using System.Text.Json.Nodes;
using DinoSharp.Cli.Compare;
using DinoSharp.Cli.Training;
using DinoSharp.Evaluation.Report;
using DinoSharp.Methods;

namespace DinoSharp.Cli.Commands;

/// <summary>dino compare: methods side by side on the same images, with the same budget.</summary>
internal sealed class CompareCommand
{
    private const string PageName = "comparison.html";
    private const string TableName = "comparison.md";

    private readonly Option<string?> _data = OptionFactory.Text(
        "--data", "labelled images, in whatever \"dino train\" takes; its test or val split scores, or every fifth image");
    private readonly Option<string?> _out = OptionFactory.Text("--out", "folder for all runs; the same command goes on in it");
    private readonly Option<string[]> _methods = OptionFactory.Values("--methods", "methods, or all (that need no trained teacher)", ["all"]);
    private readonly Option<string[]> _networks = OptionFactory.Values("--archs", "networks", [MethodChoice.UsualArch]);
    private readonly Option<double?> _minutes = OptionFactory.Maybe<double>("--minutes", "minutes that each method trains");
    private readonly Option<int?> _steps = OptionFactory.Maybe<int>("--steps", "in place of --minutes: steps that each method trains");
    private readonly Option<int> _linearEpochs = OptionFactory.Value("--linear-epochs", "epochs of the linear classifiers on cached features", 50);
    private readonly Argument<string[]> _training = new("training")
    {
        Description = "after --: options of \"dino train\" for all methods, as in -- --embed-dim 128 --depth 4",
        Arity = ArgumentArity.ZeroOrMore,
    };

    public static Command Create()
    {
        var compare = new CompareCommand();
        var command = new Command("compare", "train several methods on the same images with the same budget, and score them")
        {
            compare._data, compare._out, compare._methods, compare._networks, compare._minutes, compare._steps, compare._linearEpochs,
            compare._training,
        };
        command.SetAction(compare.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var terminal = Terminal.Of(parsed);
        var plan = Read(parsed);
        using var signals = new StopSignals();
        var results = new Comparison(plan, terminal).Run(signals.Token);
        bool finished = results.Count == plan.Networks.Count * (plan.Methods.Count + 1);
        Directory.CreateDirectory(plan.Out);
        string page = Path.Combine(plan.Out, PageName);
        ComparisonPage comparison = new(plan, results);
        comparison.Save(page);
        new MarkdownReport("Methods compared").Table(comparison.Table).Save(Path.Combine(plan.Out, TableName));
        terminal.Table(comparison.Table.Columns, comparison.Table.Rows.Select(row => row.Cells));
        terminal.Line(finished ? $"done: {page}" : $"stopped and saved in {plan.Out}; the same command goes on from here");
        terminal.Result(new JsonObject
        {
            ["finished"] = finished,
            ["page"] = Path.GetFullPath(page),
            ["results"] = new JsonArray(
            [
                .. results.Select(result => new JsonObject
                {
                    ["method"] = result.Method,
                    ["network"] = result.Network,
                    ["parameters"] = result.Parameters,
                    ["epochs"] = result.Epochs,
                    ["steps"] = result.Steps,
                    ["images_per_second"] = result.ImagesPerSecond,
                    ["knn_top1"] = result.Knn,
                    ["linear_top1"] = result.Linear,
                    ["diagnosis"] = result.Diagnosis,
                    ["command"] = result.Command,
                }),
            ]),
        });
        return finished ? 0 : StopSignals.ExitCode;
    }

    private ComparisonPlan Read(ParseResult parsed)
    {
        string[] names = parsed.GetValue(_methods)!;
        double? minutes = parsed.GetValue(_minutes);
        int? steps = parsed.GetValue(_steps);
        string? fault =
            minutes is null == steps is null ? "give either --minutes or --steps: what each method may take" :
            minutes <= 0 || steps <= 0 ? "--minutes and --steps are above 0" :
            parsed.GetValue(_linearEpochs) < 1 ? "--linear-epochs is at least 1" : null;
        return fault is not null ? throw new RequestException(fault) : new ComparisonPlan
        {
            Methods = names is ["all"]
                ? [.. MethodCatalogue.All.Where(m => !m.NeedsTeacher).Select(m => m.Name)]
                : [.. names.Select(name => MethodCatalogue.Named(name).Name)],
            Networks = parsed.GetValue(_networks)!,
            Data = parsed.GetValue(_data) ?? throw new RequestException("--data is missing: name a folder or archive of labelled images"),
            Out = parsed.GetValue(_out) ?? throw new RequestException("--out is missing: name a folder for the runs"),
            Minutes = minutes,
            Steps = steps,
            LinearEpochs = parsed.GetValue(_linearEpochs),
            Device = parsed.IsGiven(GlobalOptions.Device) ? parsed.GetValue(GlobalOptions.Device) : null,
            Options = parsed.GetValue(_training) ?? [],
        };
    }
}
