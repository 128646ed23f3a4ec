using System.Text.Json;
using System.Text.Json.Nodes;
using DinoSharp.Distributed;
using DinoSharp.Distributed.Tests.Ranks;
using TorchSharp;

// ranks SCENARIO FOLDER: does what the scenario says, and writes what came of it to FOLDER. Failures are told as the command line tells them.
torch.set_num_threads(1);
var errors = Console.Error;
errors.Write(""); // stands ready
ProcessGroup group;
try
{
    group = ProcessGroups.Start(line => errors.WriteLine($"dino: {line}"));
}
catch (ProcessGroupUnavailableException error)
{
    errors.WriteLine($"dino: {error.Message}");
    return 2;
}

try
{
    var scenario = Scenarios.All.TryGetValue(args[0], out var usual) ? usual : GpuScenarios.All[args[0]];
    var result = new JsonObject();
    Rank rank = new(group, result, args[1]);
    rank.Save("started"); // so that a test knows whom to kill
    scenario(rank);
    rank.Save("done");
    group.Dispose();
    return 0;
}
catch (Exception error) when (error is IOException or ProcessGroupException)
{
    group.Fail(error.Message, 1);
    throw;
}
catch (ProcessGroupUnavailableException error)
{
    group.Fail(error.Message, 2);
    throw;
}
