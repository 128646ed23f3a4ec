using System.Text.Json.Nodes;
using DinoSharp.Tests;
using DinoSharp.Training.Runs;

namespace DinoSharp.Training.Tests;

/// <summary>metrics.jsonl and TensorBoard's events: what is written can be read, also after a kill.</summary>
public sealed class MetricsLogTests
{
    [Fact]
    public void Values_are_written_to_json_lines_and_to_TensorBoard()
    {
        using TestFolder parent = new();
        var folder = RunFolder.Open(Path.Combine(parent.Path, "run"), []);
        using (MetricsLog log = new(folder, 0))
        {
            log.Write(10, 0, [("loss", 5.25), ("learning_rate", 1e-6)]);
            log.Write(20, 1, [("loss", 4.5), ("learning_rate", 2e-6)]);
            log.Write(30, 1, [("loss", double.NaN), ("rate", double.PositiveInfinity)]);
        }

        string[] lines = File.ReadAllLines(folder.MetricsFile);
        Assert.Equal("{\"step\":10,\"epoch\":0,\"loss\":5.25,\"learning_rate\":1E-06}", lines[0]);
        Assert.Equal("{\"step\":30,\"epoch\":1,\"loss\":null,\"rate\":null}", lines[2]);
        Assert.Equal([5.25, 4.5, null], MetricsLog.Read(folder.MetricsFile).Select(line => (double?)line["loss"]));

        var scalars = EventFile.Scalars(Directory.GetFiles(folder.Path, "events.out.tfevents.*").Single());
        Assert.Equal(("loss", 10, 5.25f), scalars[0]);
        Assert.Equal(("learning_rate", 20, 2e-6f), scalars[3]);
        Assert.Equal(6, scalars.Count);
    }

    [Fact]
    public void Going_on_drops_torn_lines_and_those_after_the_checkpoint()
    {
        using TestFolder parent = new();
        var folder = RunFolder.Open(Path.Combine(parent.Path, "run"), []);
        using (MetricsLog log = new(folder, 0))
        {
            for (int step = 1; step <= 4; step++)
            {
                log.Write(step, 0, [("loss", step)]);
            }
        }

        File.AppendAllText(folder.MetricsFile, "{\"step\":5,\"lo");
        Assert.Equal(4, MetricsLog.Read(folder.MetricsFile).Count());
        using (MetricsLog log = new(folder, stepsDone: 3))
        {
            log.Write(4, 0, [("loss", 40)]);
        }

        Assert.Equal(
            [(1, 1.0), (2, 2.0), (3, 3.0), (4, 40.0)],
            File.ReadAllLines(folder.MetricsFile).Select(line => JsonNode.Parse(line)!).Select(line => ((int)line["step"]!, (double)line["loss"]!)));
    }
}
