using System.Text.Json;
using System.Text.Json.Nodes;
using DinoSharp.Checkpoints;

namespace DinoSharp.Training.Runs;

/// <summary>
/// Where a training leaves everything: run.json (settings, version, host), metrics.jsonl, TensorBoard events, checkpoints/, report.html.
/// A folder belongs to one set of settings; starting again in it goes on with that run.
/// </summary>
public sealed class RunFolder
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private const string RunName = "run.json";
    private const string Checkpoints = "checkpoints";

    private RunFolder(string path) => Path = System.IO.Path.GetFullPath(path);

    public string Path { get; }

    /// <summary>Settings and surroundings of the run.</summary>
    public string RunFile => System.IO.Path.Combine(Path, RunName);

    /// <summary>One JSON object a logged step.</summary>
    public string MetricsFile => System.IO.Path.Combine(Path, "metrics.jsonl");

    /// <summary>What the run did, as one page.</summary>
    public string ReportFile => System.IO.Path.Combine(Path, "report.html");

    /// <summary>The newest state; a run goes on from here.</summary>
    public string LatestCheckpoint => Checkpoint("latest");

    /// <summary>A checkpoint by its name without ending.</summary>
    public string Checkpoint(string name) => System.IO.Path.Combine(Path, Checkpoints, name + ".pth");

    /// <summary>Checkpoints that are kept beside the newest, newest first.</summary>
    public IEnumerable<string> KeptCheckpoints() => Directory
        .EnumerateFiles(System.IO.Path.Combine(Path, Checkpoints), "*.pth")
        .Where(file => file != LatestCheckpoint)
        .OrderByDescending(File.GetLastWriteTimeUtc);

    /// <summary>A run's folder as another process opened it.</summary>
    public static RunFolder Of(string path) => new(path);

    /// <summary>Makes the folder, or opens it if it holds a run of the same settings. It is taken next (<see cref="RunLock"/>), then begun in.</summary>
    /// <param name="path">an empty or missing folder, or one of an earlier start of this run</param>
    /// <param name="settings">what must be the same for the run to go on, flat names to values</param>
    /// <exception cref="RunFolderException">One line: the folder holds another run, or something else.</exception>
    public static RunFolder Open(string path, JsonObject settings)
    {
        var folder = new RunFolder(path);
        if (File.Exists(folder.RunFile))
        {
            folder.RequireSame(settings);
        }
        else if (File.Exists(folder.Path) ||
            (Directory.Exists(folder.Path) && Directory.EnumerateFileSystemEntries(folder.Path).Any(IsForeign)))
        {
            throw new RunFolderException($"{path} exists and is not a run folder: name another one with --out");
        }

        folder.Make(() => Directory.CreateDirectory(System.IO.Path.Combine(folder.Path, Checkpoints)));
        return folder;
    }

    /// <summary>Writes run.json, which makes this the folder of a run of these settings.</summary>
    /// <param name="settings">as it was opened with</param>
    /// <param name="surroundings">version, host and the like; may change from start to start</param>
    /// <exception cref="RunFolderException">One line: another run was quicker, or the file cannot be written.</exception>
    public void Begin(JsonObject settings, JsonObject surroundings)
    {
        if (File.Exists(RunFile))
        {
            RequireSame(settings);
        }

        var run = new JsonObject { ["settings"] = settings.DeepClone(), ["surroundings"] = surroundings.DeepClone() };
        Make(() => AtomicFile.Write(RunFile, stream => JsonSerializer.Serialize(stream, run, Indented)));
    }

    /// <summary>The settings of the run in a folder; null where there is none.</summary>
    /// <exception cref="RunFolderException">One line: they are damaged.</exception>
    public static JsonObject? SettingsOf(string path)
    {
        var folder = new RunFolder(path);
        return File.Exists(folder.RunFile) ? folder.EarlierSettings() : null;
    }

    /// <summary>Not what a start that was killed before run.json stood leaves behind.</summary>
    private static bool IsForeign(string entry) => System.IO.Path.GetFileName(entry) switch
    {
        Checkpoints => !Directory.Exists(entry) || Directory.EnumerateFileSystemEntries(entry).Any(),
        RunName + AtomicFile.BesideEnding or RunLock.FileName => false,
        _ => true,
    };

    private void Make(Action write)
    {
        try
        {
            write();
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or CheckpointException)
        {
            throw new RunFolderException(
                $"{Path} cannot be made a run folder ({cause.Message.TrimEnd('.')}): name another one with --out", cause);
        }
    }

    private void RequireSame(JsonObject settings)
    {
        var earlier = EarlierSettings();

        string[] differing =
        [
            .. settings.Select(s => s.Key).Union(earlier.Select(s => s.Key))
                .Where(name => !JsonNode.DeepEquals(settings[name], earlier[name]))
                .Select(name => $"{name} was {Show(earlier[name])}, now {Show(settings[name])}"),
        ];
        if (differing.Length > 0)
        {
            throw new RunFolderException(
                $"{Path} holds a run of other settings: {string.Join("; ", differing)}. Use the same settings to go on, or another --out");
        }
    }

    private JsonObject EarlierSettings()
    {
        try
        {
            return (JsonNode.Parse(File.ReadAllText(RunFile)) as JsonObject)?["settings"] as JsonObject
                ?? throw new JsonException("no settings inside");
        }
        catch (JsonException error)
        {
            throw new RunFolderException($"{RunFile} is damaged ({error.Message.TrimEnd('.')}): name another folder with --out", error);
        }
    }

    private static string Show(JsonNode? value) => value?.ToJsonString() ?? "not set";
}

/// <summary>A run folder cannot be used as asked; the message is one line.</summary>
public sealed class RunFolderException(string message, Exception? inner = null) : Exception(message, inner);
