using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using DinoSharp.Checkpoints;

namespace DinoSharp.Cli.Commands;

/// <summary>dino inspect: what is in a file of weights. Needs no torch.</summary>
internal sealed class InspectCommand
{
    private readonly Argument<string> _file = new("file") { Description = ".pth, .safetensors, a Hugging Face folder or a run folder" };
    private readonly Option<string?> _key = OptionFactory.Text("--checkpoint-key",
        "which network of a training's checkpoint: teacher or student");
    private readonly Option<int?> _heads = OptionFactory.Maybe<int>("--num-heads", "attention heads, where the file does not say");

    public static Command Create()
    {
        var inspect = new InspectCommand();
        var command = new Command("inspect", "what is in a checkpoint: layout, network, every tensor")
        {
            inspect._file, inspect._key, inspect._heads,
        };
        command.SetAction(inspect.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var terminal = Terminal.Of(parsed);
        var file = WeightsFile.Open(parsed.GetValue(_file)!, parsed.GetValue(_key));
        var network = Network.Of(file, parsed.GetValue(_heads) ?? file.HeadCount);
        foreach (var (name, value) in Lines(file, network))
        {
            terminal.Line($"{name,-10} {value}");
        }

        if (file.Arguments.Count > 0)
        {
            terminal.Line("");
            terminal.Line("arguments");
            ShowColumns(terminal, file.Arguments.Select(a => (string[])[PickledText.Name(a.Key), PickledText.Line(a.Value)]));
        }

        terminal.Line("");
        terminal.Line("tensors");
        ShowColumns(terminal,
            file.Tensors.Select(t => (string[])[PickledText.Name(t.Key), TypeOf(t.Value), $"[{string.Join(", ", t.Value.Shape)}]"]));
        terminal.Result(Json(file, network));
        return 0;
    }

    private static IEnumerable<(string Name, string Value)> Lines(WeightsFile file, Network network)
    {
        yield return ("file", file.Path);
        yield return ("layout", Layout(file, network));
        yield return ("backbone", network.Shape is { } shape
            ? ShapeDescription.Line(shape, network.HeadsKnown)
            : $"none known: {network.Fault}");
        if (file.Head.Count > 0)
        {
            string outputs = Outputs(file) is { } count ? string.Create(CultureInfo.InvariantCulture, $", {count} outputs") : "";
            yield return ("head", string.Create(CultureInfo.InvariantCulture, $"{file.Head.Count} tensors{outputs}"));
        }

        if (file.Ignored.Count > 0)
        {
            yield return ("beside", string.Join(", ", file.Ignored.Select(PickledText.Name)));
        }

        if (file.Epoch is { } epoch)
        {
            yield return ("epoch", epoch.ToString(CultureInfo.InvariantCulture));
        }
    }

    private static string Layout(WeightsFile file, Network network) => file.Layout switch
    {
        WeightsLayout.Backbone when network.Shape is null => "tensors by name",
        WeightsLayout.Training =>
            $"a training's checkpoint with {string.Join(" and ", file.Networks.Select(PickledText.Name))}; " +
            $"this is the {PickledText.Name(file.Network!)}",
        WeightsLayout.HuggingFace => "Hugging Face's ViTModel",
        _ => file.Network is null ? "a backbone's state_dict" : $"a backbone's state_dict under '{PickledText.Name(file.Network)}'",
    };

    private static JsonObject Json(WeightsFile file, Network network) => new()
    {
        ["file"] = Path.GetFullPath(file.Path),
        ["layout"] = file.Layout.ToString().ToLowerInvariant(),
        ["networks"] = new JsonArray([.. file.Networks.Select(n => (JsonNode)n)]),
        ["network"] = file.Network,
        ["backbone"] = network.Shape is null ? null : ShapeDescription.Json(network.Shape, network.HeadsKnown),
        ["backbone_fault"] = network.Fault,
        ["head"] = file.Head.Count == 0 ? null : new JsonObject { ["tensors"] = file.Head.Count, ["out_dim"] = Outputs(file) },
        ["ignored"] = new JsonArray([.. file.Ignored.Select(n => (JsonNode)n)]),
        ["epoch"] = file.Epoch,
        ["args"] = new JsonObject(file.Arguments.Select(a => KeyValuePair.Create(a.Key, PickledText.Json(a.Value)))),
        ["tensors"] = new JsonArray([.. file.Tensors.Select(t => (JsonNode)new JsonObject
        {
            ["name"] = t.Key,
            ["type"] = TypeOf(t.Value),
            ["shape"] = new JsonArray([.. t.Value.Shape.Select(s => (JsonNode)s)]),
        })]),
    };

    /// <summary>Rows with aligned columns, each row whole on one line: a name that is cut off helps nobody.</summary>
    private static void ShowColumns(Terminal terminal, IEnumerable<string[]> rows)
    {
        string[][] all = [.. rows];
        int[] widths = [.. Enumerable.Range(0, all[0].Length).Select(column => all.Max(row => row[column].Length))];
        foreach (string[] row in all)
        {
            terminal.Line("  " + string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
        }
    }

    private static string TypeOf(ArrayData array) => array.Type.ToString().ToLowerInvariant();

    /// <summary>The prototypes K of a projection head: rows of its last, weight-normed layer.</summary>
    private static long? Outputs(WeightsFile file) => file.Head.TryGet("last_layer.weight_v", out var last) && last.Shape is [var rows, ..]
        ? rows
        : null;

    /// <summary>The network a file's tensors make, or why they make none; to look at a file is no reason to fail.</summary>
    private sealed record Network(BackboneShape? Shape, bool HeadsKnown, string? Fault)
    {
        public static Network Of(WeightsFile file, int? heads)
        {
            try
            {
                return new Network(BackboneShape.Infer(file.Backbone, heads, file.Path), HeadsKnown: true, null);
            }
            catch (CheckpointException) when (heads is null)
            {
                return WithoutHeads(file);
            }
            catch (CheckpointException fault)
            {
                return Unknown(file, fault);
            }
        }

        private static Network Unknown(WeightsFile file, CheckpointException fault) =>
            new(null, false, fault.Message.Replace($"{file.Path}: ", "", StringComparison.Ordinal));

        private static Network WithoutHeads(WeightsFile file)
        {
            try
            {
                // One head divides any width, and nothing but the heads depends on it.
                return new Network(BackboneShape.Infer(file.Backbone, heads: 1, file.Path), HeadsKnown: false, null);
            }
            catch (CheckpointException fault)
            {
                return Unknown(file, fault);
            }
        }
    }
}
