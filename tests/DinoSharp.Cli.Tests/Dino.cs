using System.Diagnostics;
using System.Text.Json.Nodes;

namespace DinoSharp.Cli.Tests;

/// <summary>The real command line, as a process of its own.</summary>
internal static class Dino
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Runs one command to its end.</summary>
    public static DinoResult Run(params string[] arguments)
    {
        using var process = Start(arguments);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"dino {string.Join(' ', arguments)} did not end within {Patience}");
        }

        return new DinoResult(process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }

    /// <summary>Starts one command. Computing is on the CPU, so that results are the same on every machine.</summary>
    public static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        string[] all = [Path.Combine(AppContext.BaseDirectory, "dino.dll"), .. arguments, "--device", "cpu"];
        foreach (string argument in all)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
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
}
