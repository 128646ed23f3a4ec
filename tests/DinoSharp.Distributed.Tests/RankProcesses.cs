using System.Diagnostics;
using System.Text.Json.Nodes;
using DinoSharp.Tests;

namespace DinoSharp.Distributed.Tests;

/// <summary>The libraries that ranks are joined by.</summary>
public enum MpiKind
{
    OpenMpi,
    Mpich,
}

/// <summary>Ranks as mpirun starts them: processes of their own.</summary>
internal sealed class RankProcesses : IDisposable
{
    /// <summary>By when mpirun has to be done with work that does not fail.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly TestFolder _folder = new();
    private readonly Process _mpirun;
    private readonly Task<string> _output;
    private readonly Task<string> _error;
    private readonly int _count;

    private RankProcesses(MpiKind mpi, int count, string scenario)
    {
        _count = count;
        string program = Path.Combine(AppContext.BaseDirectory, "ranks.dll");
        // Launchers end all shells when one ends: each waits until the others have written down how their ranks ended.
        string code = Path.Combine(_folder.Path, "${OMPI_COMM_WORLD_RANK:-$PMI_RANK}.code");
        var start = new ProcessStartInfo(
            Launcher(mpi)!,
            [
                // A test has few processors and many ranks; and ranks that this program ends shall not be ended by MPICH's launcher before.
                .. mpi == MpiKind.OpenMpi ? ["--oversubscribe", "--bind-to", "none"] : new[] { "-disable-auto-cleanup" },
                "-n", $"{count}", "sh", "-c",
                $"dotnet '{program}' {scenario} '{_folder.Path}'; code=$?; echo $code > {code}; [ $code = 0 ] || sleep 1; exit $code",
            ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["OMPI_ALLOW_RUN_AS_ROOT"] = start.Environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1";
        start.Environment["OMP_NUM_THREADS"] = "1";
        _mpirun = Process.Start(start)!;
        (_output, _error) = (_mpirun.StandardOutput.ReadToEndAsync(), _mpirun.StandardError.ReadToEndAsync());
    }

    /// <summary>Everything that was said.</summary>
    public string Said => _output.GetAwaiter().GetResult() + _error.GetAwaiter().GetResult();

    /// <summary>Lines that this project's part said.</summary>
    public IReadOnlyList<string> Lines => [.. Said.Split('\n').Where(line => line.Contains("dino: ", StringComparison.Ordinal))];

    /// <summary>Starts a scenario, or skips the test where the library is not installed.</summary>
    public static RankProcesses Start(MpiKind mpi, int count, string scenario)
    {
        string packages = mpi == MpiKind.OpenMpi ? "openmpi-bin libopenmpi3" : "mpich libmpich12";
        Assert.SkipWhen(Launcher(mpi) is null, $"{mpi} is not installed here (Debian and Ubuntu: apt-get install {packages}).");
        return new RankProcesses(mpi, count, scenario);
    }

    /// <summary>Runs a scenario that succeeds.</summary>
    /// <returns>what each rank found</returns>
    public static IReadOnlyList<JsonObject> Results(MpiKind mpi, int count, string scenario)
    {
        using var ranks = Start(mpi, count, scenario);
        return ranks.EndWell();
    }

    /// <summary>Waits for a scenario that succeeds.</summary>
    /// <returns>what each rank found</returns>
    public IReadOnlyList<JsonObject> EndWell()
    {
        End(Patience);
        Assert.True(_mpirun.ExitCode == 0, $"exit code {_mpirun.ExitCode}\n{Said}");
        return [.. Enumerable.Range(0, _count).Select(rank => Read(rank, "done"))];
    }

    /// <summary>What a rank wrote down under a name; null if it did not.</summary>
    public string? Note(int rank, string name) =>
        Path.Combine(_folder.Path, $"{rank}.{name}") is var path && File.Exists(path) ? File.ReadAllText(path) : null;

    /// <summary>Waits until all ranks are at work.</summary>
    public void AreAtWork()
    {
        var watch = Stopwatch.StartNew();
        while (Enumerable.Range(0, _count).Any(rank => !File.Exists(NameOf(rank, "started"))))
        {
            Assert.True(watch.Elapsed < Patience && !_mpirun.HasExited, "the ranks do not start");
            Thread.Sleep(50);
        }
    }

    public int ProcessOf(int rank) => (int)Read(rank, "started")["process"]!;

    /// <summary>Sends a signal to a rank.</summary>
    public void Signal(int rank, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{ProcessOf(rank)}"]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }

    /// <summary>Fails unless mpirun, and so every rank, ends within a time.</summary>
    public void End(TimeSpan limit)
    {
        bool ended = _mpirun.WaitForExit(limit);
        Assert.True(ended, $"not at an end after {limit.TotalSeconds} s");
    }

    /// <summary>mpirun's exit code.</summary>
    public int Code => _mpirun.ExitCode;

    /// <summary>The exit code of a rank that ended by itself.</summary>
    public int CodeOf(int rank) => int.Parse(File.ReadAllText(Path.Combine(_folder.Path, $"{rank}.code")));

    public void Dispose()
    {
        if (!_mpirun.HasExited)
        {
            _mpirun.Kill(entireProcessTree: true);
        }

        for (int rank = 0; rank < _count; rank++)
        {
            if (File.Exists(NameOf(rank, "started")))
            {
                EndStopped(ProcessOf(rank));
            }
        }

        _mpirun.Dispose();
        _folder.Dispose();
    }

    /// <summary>A stopped process outlives the shell that was started in its place.</summary>
    private static void EndStopped(int process)
    {
        try
        {
            using var rank = Process.GetProcessById(process);
            if (rank.ProcessName == "dotnet")
            {
                rank.Kill();
            }
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException)
        {
            // it has ended, as it should
        }
    }

    private static string? Launcher(MpiKind mpi)
    {
        string name = mpi == MpiKind.OpenMpi ? "mpirun.openmpi" : "mpirun.mpich";
        return Environment.GetEnvironmentVariable("PATH")!.Split(':').Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
    }

    private string NameOf(int rank, string state) => Path.Combine(_folder.Path, $"{rank}.{state}.json");

    private JsonObject Read(int rank, string state) => JsonNode.Parse(File.ReadAllText(NameOf(rank, state)))!.AsObject();
}
