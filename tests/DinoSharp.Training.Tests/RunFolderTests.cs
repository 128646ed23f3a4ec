using System.Text.Json.Nodes;
using DinoSharp.Tests;
using DinoSharp.Training.Runs;

namespace DinoSharp.Training.Tests;

/// <summary>A run folder belongs to one set of settings, and a kill while it is made does not spoil it.</summary>
public sealed class RunFolderTests
{
    private static readonly JsonObject Surroundings = new() { ["host"] = "here" };

    private static JsonObject Settings => new()
    {
        ["epochs"] = 100,
        ["lr"] = 0.1 + 0.2,
        ["min_lr"] = 1e-6,
        ["arch"] = "vit-tiny",
        ["centering"] = true,
        ["scale"] = new JsonArray(0.05, 0.4),
        ["clip"] = null,
    };

    [Fact]
    public void The_same_settings_open_it_again_and_others_are_refused_by_name()
    {
        using TestFolder parent = new();
        string path = Path.Combine(parent.Path, "run");
        var folder = RunFolder.Open(path, Settings);
        folder.Begin(Settings, Surroundings);
        Assert.True(Directory.Exists(Path.GetDirectoryName(folder.LatestCheckpoint)));
        var again = RunFolder.Open(path, Settings);
        Assert.Equal("here", Host()); // a start that is refused later changes nothing
        again.Begin(Settings, new JsonObject { ["host"] = "there" });
        Assert.Equal("there", Host());

        var others = Settings;
        others["lr"] = 0.1;
        others["centering"] = false;
        others.Remove("arch");
        others["seed"] = 3;
        string before = File.ReadAllText(folder.RunFile);
        var error = Assert.Throws<RunFolderException>(() => RunFolder.Open(path, others));
        Assert.Equal(error.Message, Assert.Throws<RunFolderException>(() => folder.Begin(others, Surroundings)).Message);
        string[] differences =
        [
            "lr was 0.30000000000000004, now 0.1", "centering was true, now false", "arch was \"vit-tiny\", now not set",
            "seed was not set, now 3",
        ];
        foreach (string difference in differences)
        {
            Assert.Contains(difference, error.Message, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("epochs", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Equal(before, File.ReadAllText(folder.RunFile));

        string? Host() => (string?)JsonNode.Parse(File.ReadAllText(folder.RunFile))!["surroundings"]!["host"];
    }

    [Theory]
    [InlineData("")]
    [InlineData("{ \"settings\": { \"epo")]
    [InlineData("[1, 2]")]
    [InlineData("null")]
    [InlineData("{ \"settings\": 5 }")]
    public void A_damaged_run_json_is_said_to_be_damaged(string content)
    {
        using TestFolder folder = new();
        string file = folder.WriteText("run.json", content);
        var error = Assert.Throws<RunFolderException>(() => RunFolder.Open(folder.Path, Settings));
        Assert.StartsWith($"{file} is damaged", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Equal(content, File.ReadAllText(file));
    }

    [Fact]
    public void A_folder_of_something_else_is_left_alone_and_an_empty_or_cut_off_one_is_taken()
    {
        using TestFolder parent = new();
        string photo = parent.Write("photos/1.png"), file = parent.WriteText("file", "text");
        foreach (string taken in new[] { Path.GetDirectoryName(photo)!, file })
        {
            var error = Assert.Throws<RunFolderException>(() => RunFolder.Open(taken, Settings));
            Assert.Contains("not a run folder", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal([photo], Directory.GetFileSystemEntries(Path.GetDirectoryName(photo)!));
        Directory.CreateDirectory(Path.Combine(parent.Path, "empty"));
        parent.WriteText("cut-off/run.json.partial", "{ \"sett"); // killed while run.json was written
        parent.WriteText("cut-off/run.lock", "");
        foreach (string name in new[] { "empty", "cut-off" })
        {
            var folder = RunFolder.Open(Path.Combine(parent.Path, name), Settings);
            folder.Begin(Settings, Surroundings);
            Assert.True(File.Exists(folder.RunFile));
        }
    }
}
