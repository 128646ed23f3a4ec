using System.IO.Hashing;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using DinoSharp.Checkpoints;

namespace DinoSharp.Evaluation.Report;

/// <summary>One number of a protocol.</summary>
/// <param name="Name">its name in the field: top-1, mAP, J&amp;F-Mean</param>
/// <param name="Value">in the unit</param>
/// <param name="Unit">what stands behind it, e.g. %</param>
public sealed record Score(string Name, double Value, string Unit = "%");

/// <summary>What one protocol found out about a network, kept in a file so that a report can set it beside others.</summary>
public sealed record EvaluationRecord
{
    private const string Ending = ".json";

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // a file for people too, in no page
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    /// <summary>The protocol, as its verb is called: knn, linear, retrieval.</summary>
    public required string Protocol { get; init; }

    /// <summary>The data it was measured on, as a person would call it: roxford5k, a folder's name.</summary>
    public required string Data { get; init; }

    /// <summary>Where the data are, see <see cref="PathOf"/>: others of the same name are other data. Empty where the name says it all.</summary>
    public string DataPath { get; init; } = "";

    /// <summary>What was measured: a file, or "raw pixels".</summary>
    public required string Weights { get; init; }

    /// <summary>The network in words.</summary>
    public required string Network { get; init; }

    /// <summary>Settings that matter for the numbers, in words: "k = 20, 224 pixels".</summary>
    public string Setting { get; init; } = "";

    /// <summary>The numbers; the first is the one to compare by.</summary>
    public required IReadOnlyList<Score> Scores { get; init; }

    /// <summary>Pictures beside the file, by name, with what they show.</summary>
    public IReadOnlyDictionary<string, string> Pictures { get; init; } = new Dictionary<string, string>();

    /// <summary>Writes the record, in place of an earlier one of the same protocol, data and weights.</summary>
    /// <param name="folder">made if it is not there</param>
    /// <returns>the file</returns>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    public string Save(string folder)
    {
        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, FileStem + Ending);
        AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, this, Json));
        return path;
    }

    /// <summary>All records of a folder, by protocol and data.</summary>
    /// <exception cref="EvaluationException">The folder is missing, or a file in it is no record.</exception>
    public static IReadOnlyList<EvaluationRecord> ReadAll(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new EvaluationException($"{folder}: there is no such folder of evaluations; run dino knn or another protocol on it first");
        }

        return
        [
            .. Directory.EnumerateFiles(folder, "*" + Ending).Select(Read)
                .OrderBy(record => record.Protocol, StringComparer.Ordinal)
                .ThenBy(record => record.Data, StringComparer.Ordinal)
                .ThenBy(record => record.Weights, StringComparer.Ordinal),
        ];
    }

    /// <summary>
    /// What the files of this record are called, without ending: a picture of it may be STEM-sheet.png. The last part is a hash of the whole
    /// paths, so that data and weights of the same names elsewhere have files of their own.
    /// </summary>
    [JsonIgnore]
    public string FileStem => string.Join(
        '-', new[] { Protocol, Data, Path.GetFileName(Path.TrimEndingDirectorySeparator(Weights)), Hash }.Select(Clean));

    private string Hash => Convert.ToHexStringLower(XxHash32.Hash(Encoding.UTF8.GetBytes($"{PathOf([Weights])}\n{DataPath}")));

    /// <summary>The whole path of data, or of several folders of them, however they were named.</summary>
    public static string PathOf(IEnumerable<string> paths) =>
        string.Join(", ", paths.Select(path => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))));

    private static string Clean(string part) => string.Concat(part.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' ? c : '_'));

    private static EvaluationRecord Read(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            return JsonSerializer.Deserialize<EvaluationRecord>(stream, Json) is { Scores.Count: > 0 } record
                ? record
                : throw new EvaluationException($"{path}: has no scores; delete it and evaluate again");
        }
        catch (JsonException error)
        {
            throw new EvaluationException($"{path}: is no evaluation's record ({error.Message.TrimEnd('.')}); delete it and evaluate again", error);
        }
    }
}
