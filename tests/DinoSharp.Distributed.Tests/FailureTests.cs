namespace DinoSharp.Distributed.Tests;

/// <summary>However a rank fails, the others end soon, with one line that names it.</summary>
public sealed class FailureTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData(MpiKind.OpenMpi, 2, 1, "KILL", "ended without a word")]
    [InlineData(MpiKind.OpenMpi, 3, 0, "KILL", "ended without a word")]
    [InlineData(MpiKind.OpenMpi, 2, 1, "STOP", "no sign of life")]
    [InlineData(MpiKind.Mpich, 2, 1, "KILL", "ended without a word")]
    [InlineData(MpiKind.Mpich, 3, 0, "KILL", "ended without a word")]
    [InlineData(MpiKind.Mpich, 3, 0, "STOP", "no sign of life")]
    public void A_rank_that_is_killed_or_stopped_is_named(MpiKind mpi, int count, int rank, string signal, string words)
    {
        using var ranks = RankProcesses.Start(mpi, count, "wait");
        ranks.AreAtWork();
        ranks.Signal(rank, signal);
        ranks.End(Soon);
        string line = Assert.Single(ranks.Lines);
        Assert.Contains($"dino: rank {rank} ({Environment.MachineName}, process {ranks.ProcessOf(rank)})", line, StringComparison.Ordinal);
        Assert.Contains(words, line, StringComparison.Ordinal);
        Assert.Equal(1, signal == "STOP" ? ranks.Code : ranks.CodeOf(rank == 0 ? 1 : 0)); // for a stopped rank mpirun is told to end all
    }

    [Theory]
    [InlineData(MpiKind.OpenMpi)]
    [InlineData(MpiKind.Mpich)]
    public void What_a_rank_failed_of_is_told_with_its_name(MpiKind mpi) => Fails(mpi, 2, "fail", 1, 1, "No space left on device : '/runs/one'");

    [Theory]
    [InlineData(MpiKind.OpenMpi)]
    [InlineData(MpiKind.Mpich)]
    public void A_fault_on_any_thread_of_a_rank_ends_all(MpiKind mpi) => Fails(mpi, 3, "fault", 2, 1, "InvalidOperationException: a fault");

    [Theory]
    [InlineData(MpiKind.OpenMpi)]
    [InlineData(MpiKind.Mpich)]
    public void What_all_ranks_fail_of_is_told_once(MpiKind mpi)
    {
        using var ranks = RankProcesses.Start(mpi, 3, "same-fault");
        ranks.End(TimeSpan.FromMinutes(1));
        Assert.EndsWith("dino: No such data", Assert.Single(ranks.Lines).TrimEnd(), StringComparison.Ordinal);
        Assert.Equal(1, ranks.CodeOf(0));
    }

    [Theory]
    [InlineData(MpiKind.OpenMpi)]
    [InlineData(MpiKind.Mpich)]
    public void A_rank_that_was_started_otherwise_is_named_with_what_differs(MpiKind mpi) =>
        Fails(mpi, 3, "disagree", 1, 2, "was started otherwise than rank 0: seed 5 instead of 0, data \"100 images\" instead of \"101 images\"");

    [Fact]
    public void A_rank_that_computes_long_is_not_missed_and_those_that_wait_leave_it_the_processor()
    {
        var results = RankProcesses.Results(MpiKind.OpenMpi, 2, "busy");
        double waiting = (double)results[0]["processor seconds"]!;
        Assert.True(waiting < 0.8, $"{waiting:F2} s of the processor while it waited 8 s");
    }

    private static void Fails(MpiKind mpi, int count, string scenario, int rank, int code, string words)
    {
        using var ranks = RankProcesses.Start(mpi, count, scenario);
        ranks.AreAtWork();
        ranks.End(Soon);
        string line = Assert.Single(ranks.Lines);
        Assert.Contains($"rank {rank} ({Environment.MachineName}, process {ranks.ProcessOf(rank)})", line, StringComparison.Ordinal);
        Assert.Contains(words, line, StringComparison.Ordinal);
        Assert.All(Enumerable.Range(0, count), other => Assert.Equal(code, ranks.CodeOf(other)));
    }
}
