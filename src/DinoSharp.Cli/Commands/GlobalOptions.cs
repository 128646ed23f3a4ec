using System.CommandLine;
using DinoSharp.Models;
using TorchSharp;

namespace DinoSharp.Cli.Commands;

/// <summary>Options of every verb.</summary>
internal static class GlobalOptions
{
    public static Option<bool> Json { get; } = new("--json")
    {
        Description = "one JSON object on standard output, everything else on standard error",
        Recursive = true,
    };

    public static Option<bool> Verbose { get; } = new("--verbose") { Description = "stack traces of failures", Recursive = true };

    public static Option<string> Device { get; } = new("--device")
    {
        Description = "where to compute: cpu, cuda, cuda:N, mps or auto",
        DefaultValueFactory = _ => "auto",
        Recursive = true,
    };

    /// <summary>The device that a command line asks for, with torch made ready for the work.</summary>
    /// <exception cref="TorchUnavailableException">One line: torch does not load, or the device is not there.</exception>
    public static torch.Device DeviceOf(ParseResult parsed)
    {
        TorchRuntime.Tune();
        if (Ranks.AreSeveral && Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is null)
        {
            torch.set_num_threads(Ranks.Group.Processors);
        }

        var device = TorchRuntime.ParseDevice(parsed.GetValue(Device)!, Ranks.Group.LocalRank);
        Ranks.ComputeOn(device);
        return device;
    }
}
