using System.CommandLine;

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
}
