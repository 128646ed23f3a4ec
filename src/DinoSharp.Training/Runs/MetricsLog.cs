using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DinoSharp.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;

namespace DinoSharp.Training.Runs;

/// <summary>The numbers of a run, to metrics.jsonl (a line a logged step) and to TensorBoard.</summary>
public sealed class MetricsLog : IDisposable
{
    private readonly StreamWriter _lines;
    private readonly SummaryWriter _events;

    /// <param name="folder">where to write</param>
    /// <param name="stepsDone">lines of later steps, written after the checkpoint that the run goes on from, are dropped</param>
    public MetricsLog(RunFolder folder, long stepsDone)
    {
        DropAfter(folder.MetricsFile, stepsDone);
        _lines = new StreamWriter(folder.MetricsFile, append: true) { AutoFlush = true };
        _events = torch.utils.tensorboard.SummaryWriter(folder.Path);
    }

    /// <summary>Writes one step's values.</summary>
    /// <param name="step">optimizer steps done</param>
    /// <param name="epoch">from 0</param>
    /// <param name="values">by name; JSON has no word for numbers that are not finite, they are written as null</param>
    public void Write(long step, int epoch, IReadOnlyList<(string Name, double Value)> values)
    {
        var line = new JsonObject { ["step"] = step, ["epoch"] = epoch };
        foreach (var (name, value) in values)
        {
            line[name] = double.IsFinite(value) ? value : null;
            _events.add_scalar(name, (float)value, (int)step);
        }

        _lines.WriteLine(line.ToJsonString());
    }

    /// <summary>All lines written so far, oldest first.</summary>
    public static IEnumerable<JsonObject> Read(string path) =>
        File.Exists(path) ? File.ReadLines(path).Select(Parse).OfType<JsonObject>() : [];

    public void Dispose() => _lines.Dispose();

    /// <summary>A line cut off by a kill does not parse and is dropped.</summary>
    private static JsonObject? Parse(string line)
    {
        try
        {
            return JsonNode.Parse(line) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static void DropAfter(string path, long stepsDone)
    {
        var kept = Read(path).Where(line => (long?)line["step"] <= stepsDone).Select(line => line.ToJsonString() + "\n").ToArray();
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(string.Concat(kept))));
    }
}
