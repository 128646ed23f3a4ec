namespace DinoSharp.Cli.Tests;

/// <summary>The command line when mpirun starts it several times. What ranks do together is tested where it is.</summary>
public sealed class RanksTests
{
    private const string OpenMpi = "mpirun.openmpi --oversubscribe --bind-to none";
    private const string Mpich = "mpirun.mpich";

    [Theory]
    [InlineData(OpenMpi)]
    [InlineData(Mpich)]
    public void The_first_rank_speaks_for_all(string mpirun)
    {
        var result = Run(mpirun, "train", "--help").Succeeded();
        Assert.Equal(Dino.Run("train", "--help").Output.Count(c => c == '\n'), result.Output.Count(c => c == '\n'));
        Assert.DoesNotContain('\u001b', result.Output);
    }

    [Theory]
    [InlineData(OpenMpi)]
    [InlineData(Mpich)]
    public void What_is_wrong_for_all_ranks_is_said_once(string mpirun)
    {
        SaysOnce(Run(mpirun, "train", "--wings"), 2, "dino: Unrecognized command or argument '--wings' (see dino train --help)");
        SaysOnce(Run(mpirun, "models"), 2, "dino: dino models is the work of one process: start it without mpirun or srun");
    }

    [Fact]
    public void Processes_of_Slurm_that_cannot_find_each_other_are_refused() =>
        Dino.RunInShell("SLURM_STEP_NUM_TASKS=3 \"$@\"", "models").Failed(2, "srun started 3 processes", "--mpi=pmix");

    private static DinoResult Run(string mpirun, params string[] arguments)
    {
        string program = mpirun.Split(' ')[0];
        Assert.SkipUnless(
            Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, program))),
            $"{program} is not installed here (Debian and Ubuntu: apt-get install openmpi-bin libopenmpi3 mpich).");
        return Dino.RunInShell($"OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 {mpirun} -n 2 \"$@\"", arguments);
    }

    /// <summary>Fails unless the command ended with this code and said this and, launchers apart, nothing else.</summary>
    private static void SaysOnce(DinoResult result, int code, string line)
    {
        Assert.Equal(code, result.ExitCode);
        var said = (result.Output + result.Error).Split('\n').Where(text => text.Contains("dino: ", StringComparison.Ordinal));
        Assert.Equal(line, Assert.Single(said).TrimEnd());
    }
}
