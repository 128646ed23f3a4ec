using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using DinoSharp.Checkpoints;

namespace DinoSharp.Cli.Compare;

/// <summary>What is compared: methods on networks, all on the same images for the same time or number of steps.</summary>
internal sealed record ComparisonPlan
{
    /// <summary>Names of methods, in the order of the table.</summary>
    public required IReadOnlyList<string> Methods { get; init; }

    /// <summary>Names of networks.</summary>
    public required IReadOnlyList<string> Networks { get; init; }

    /// <summary>Labelled images: without their labels to learn from (but for methods that need them), with them to score.</summary>
    public required string Data { get; init; }

    /// <summary>Folder for everything; one run a method and network below it.</summary>
    public required string Out { get; init; }

    /// <summary>Minutes that each training may take; null where steps are counted.</summary>
    public double? Minutes { get; init; }

    /// <summary>Optimizer steps of each training; null where minutes are counted.</summary>
    public int? Steps { get; init; }

    /// <summary>Passes over the training images of the linear evaluation.</summary>
    public required int LinearEpochs { get; init; }

    /// <summary>Where all is computed, as the command line names it; null where it names nothing.</summary>
    public string? Device { get; init; }

    /// <summary>Options of "dino train" for all.</summary>
    public required IReadOnlyList<string> Options { get; init; }

    /// <summary>What is trained, a network after the other.</summary>
    public IEnumerable<(string Method, string Network)> Runs => Networks.SelectMany(network => Methods.Select(method => (method, network)));

    /// <summary>Name of a run.</summary>
    public static string NameOf(string method, string network) => $"{network}-{method}";

    /// <summary>Folder of a run.</summary>
    public string FolderOf(string method, string network) => Path.Combine(Out, NameOf(method, network));

    /// <summary>Words of "dino train" for a run.</summary>
    public IReadOnlyList<string> Command(string method, string network, int epochs) =>
    [
        "train", "--method", method, "--arch", network, "--data", Data, "--leave-test-out", "--out", FolderOf(method, network),
        "--epochs", epochs.ToString(CultureInfo.InvariantCulture), .. Device is not null ? (string[])["--device", Device] : [], .. Options,
    ];

    /// <summary>
    /// Keeps in the folder what must be the same for results to stand side by side; methods and networks may be added later.
    /// </summary>
    /// <exception cref="RequestException">The folder holds a comparison of another kind.</exception>
    public void Hold()
    {
        string path = Path.Combine(Out, "comparison.json");
        var mine = new JsonObject
        {
            ["data"] = Path.GetFileName(Path.TrimEndingDirectorySeparator(Data)), // it may go on elsewhere
            ["minutes"] = Minutes,
            ["steps"] = Steps,
            ["linear_epochs"] = LinearEpochs,
            ["options"] = string.Join(' ', Options),
        };
        if (File.Exists(path))
        {
            var earlier = Parse(path);
            string[] differing = [.. mine.Where(entry => !JsonNode.DeepEquals(entry.Value, earlier[entry.Key])).Select(entry => entry.Key)];
            if (differing.Length > 0)
            {
                throw new RequestException($"{Out} holds a comparison with other {string.Join(", ", differing)}: name another folder with --out");
            }

            return;
        }

        Directory.CreateDirectory(Out);
        AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, mine));
    }

    private static JsonObject Parse(string path)
    {
        try
        {
            return JsonNode.Parse(File.ReadAllText(path)) as JsonObject ?? throw new JsonException("no settings inside");
        }
        catch (JsonException error)
        {
            throw new RequestException($"{path}: damaged ({error.Message.TrimEnd('.')}): name another folder with --out");
        }
    }
}
