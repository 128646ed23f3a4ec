using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace DinoSharp.Cli.Tests;

/// <summary>The real command line, as a process of its own.</summary>
internal static class Dino
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>Runs one command to its end.</summary>
    public static DinoResult Run(params string[] arguments) => Finish(Start(arguments));

    /// <summary>Runs one command in a shell whose script has it as "$@".</summary>
    public static DinoResult RunInShell(string script, params string[] arguments) =>
        Finish(Start("bash", ["-c", script, "bash", "dotnet", .. Line(arguments)]));

    /// <summary>Starts one command. Computing is on the CPU, so that results are the same on every machine.</summary>
    public static Process Start(params string[] arguments) => Start("dotnet", Line(arguments));

    /// <summary>Runs one command on so many processes that work together.</summary>
    public static DinoResult RunRanks(int count, params string[] arguments) => Finish(StartRanks(count, arguments));

    /// <summary>Starts one command on so many processes that work together.</summary>
    public static Process StartRanks(int count, params string[] arguments)
    {
        const string mpirun = "mpirun.openmpi";
        Assert.SkipUnless(
            Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, mpirun))),
            $"{mpirun} is not installed here (Debian and Ubuntu: apt-get install openmpi-bin libopenmpi3).");
        string[] how = ["--oversubscribe", "--bind-to", "none", "-n", count.ToString(CultureInfo.InvariantCulture), "dotnet"];
        return Start(mpirun, [.. how, .. Line(arguments)]);
    }

    /// <summary>Waits for the end, and the most memory that the command had until then, in bytes.</summary>
    public static long PeakMemory(Process process)
    {
        long peak = 0;
        while (!process.WaitForExit(TimeSpan.FromMilliseconds(20)))
        {
            process.Refresh();
            try
            {
                peak = Math.Max(peak, process.PeakWorkingSet64);
            }
            catch (InvalidOperationException) when (process.HasExited)
            {
                // It ended after the wait; what it had is known to within that wait.
            }
        }

        return peak;
    }

    private static string[] Line(string[] arguments)
    {
        string[] line = [Path.Combine(AppContext.BaseDirectory, "dino.dll"), .. arguments];
        return arguments.Contains("--device") ? line : [.. line, "--device", "cpu"];
    }

    private static Process Start(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        // Networks of the tests are too small to share: on a busy machine torch's threads would mostly wait for each other.
        start.Environment["OMP_NUM_THREADS"] = "1";
        start.Environment["OMPI_ALLOW_RUN_AS_ROOT"] = start.Environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1";
        return Process.Start(start)!;
    }

    private static DinoResult Finish(Process started)
    {
        using var process = started;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"dino did not end within {Patience}");
        }

        return new DinoResult(process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }
}

/// <summary>What a command said and how it ended.</summary>
internal sealed record DinoResult(int ExitCode, string Output, string Error)
{
    /// <summary>The object that --json asks for, which must be all there is on standard output.</summary>
    public JsonObject Json => JsonNode.Parse(Output)!.AsObject();

    /// <summary>Fails unless the command was done.</summary>
    public DinoResult Succeeded()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode}\n{Output}\n{Error}");
        return this;
    }

    /// <summary>Fails unless the command ended with this code and one line on standard error that holds all these words.</summary>
    public DinoResult Failed(int exitCode, params string[] words)
    {
        Assert.True(ExitCode == exitCode, $"exit code {ExitCode}, not {exitCode}\n{Output}\n{Error}");
        string line = Assert.Single(Error.TrimEnd().Split('\n'));
        Assert.StartsWith("dino: ", line, StringComparison.Ordinal);
        Assert.All(words, word => Assert.Contains(word, line, StringComparison.Ordinal));
        return this;
    }

    /// <summary>The same for a command that may have said something before it failed.</summary>
    public DinoResult FailedLast(int exitCode, params string[] words) =>
        (this with { Error = Error.TrimEnd().Split('\n')[^1] }).Failed(exitCode, words);
}
