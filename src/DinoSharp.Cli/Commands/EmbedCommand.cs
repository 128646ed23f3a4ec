using System.CommandLine;
using System.Text.Json.Nodes;
using DinoSharp.Data;
using DinoSharp.Evaluation.Features;

namespace DinoSharp.Cli.Commands;

/// <summary>dino embed: the features of a set of images, in a file.</summary>
internal sealed class EmbedCommand
{
    private readonly Option<string[]> _data = OptionFactory.Several<string>("--data", DataHelp.Unlabelled, "--data-path");
    private readonly Option<string?> _split = OptionFactory.Text("--split", DataHelp.Split);
    private readonly Option<string?> _out = OptionFactory.Text(
        "--out", "the file: .safetensors (features, labels, names), .npy (with a .paths.csv beside it) or .csv (a line an image)");
    private readonly WeightsOptions _weights = new();
    private readonly LoadingOptions _loading = new();
    private readonly CacheOptions _cache = new();

    public static Command Create()
    {
        var embed = new EmbedCommand();
        var command = new Command("embed", "write the features of images to a .safetensors, .npy or .csv file");
        Option[] own = [embed._data, embed._split, embed._out];
        foreach (var option in own.Concat(embed._weights.All).Concat(embed._loading.All).Concat(embed._cache.All))
        {
            command.Options.Add(option);
        }

        command.SetAction(embed.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var terminal = Terminal.Of(parsed);
        string[] data = parsed.GetValue(_data) is { Length: > 0 } paths
            ? paths
            : throw new RequestException("--data is missing: name a folder or archive of images");
        string path = RequireOut(parsed);
        var options = _loading.Loader(parsed);
        using var source = ImageSources.OpenAll(data, weights: null, parsed.GetValue(_split));
        Wording.TellNotices(terminal, source);
        using var backbone = _weights.Load(parsed, GlobalOptions.DeviceOf(parsed), terminal);
        var loader = new EvaluationLoader(source, _loading.View(parsed, backbone), options.WithChannels(backbone.InputChannels));
        var function = FeatureFunction.Of(backbone);
        FeatureTable.RequireRoom(path, [.. Enumerable.Range(0, source.Count).Select(source.NameOf)], source.Classes, function.Dim);
        var features = new FeatureWork(terminal, _cache.FolderOf(parsed, results: null)).Take(loader, function, "embed");
        if (features.OnFirst() is not { } table)
        {
            return 0;
        }

        table.Save(path);

        Wording.TellFaults(terminal, loader.Faults.Faults, source.Count, "have no row");
        terminal.Line($"{path}: {Wording.Number(table.Rows)} features of {table.Dim} values{RowsFile(path)}");
        terminal.Result(new JsonObject
        {
            ["out"] = Path.GetFullPath(path),
            ["images"] = table.Rows,
            ["dim"] = table.Dim,
            ["classes"] = table.Classes.Count,
            ["skipped"] = new JsonArray([.. loader.Faults.Faults.Select(f => new JsonObject { ["name"] = f.Name, ["reason"] = f.Reason })]),
        });
        return 0;
    }

    private static string RowsFile(string path) => Path.GetExtension(path).Equals(".npy", StringComparison.OrdinalIgnoreCase)
        ? $"; what the rows are is in {Path.ChangeExtension(path, ".paths.csv")}"
        : "";

    /// <summary>Makes sure before hours of work that their result can be written.</summary>
    private string RequireOut(ParseResult parsed)
    {
        string path = parsed.GetValue(_out) ?? throw new RequestException("--out is missing: name a .safetensors, .npy or .csv file");
        if (!FeatureTable.CanBeSavedAs(path))
        {
            throw new RequestException($"--out {path}: features are written as .safetensors, .npy or .csv; choose one of these endings");
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        return path;
    }
}
