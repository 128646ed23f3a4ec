using DinoSharp.Distributed.Mpi;
using DinoSharp.Distributed.Watch;

namespace DinoSharp.Distributed.Tests;

/// <summary>What is read from the surroundings of a process.</summary>
public sealed class LauncherTests
{
    [Theory]
    [InlineData("OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_LOCAL_RANK=1 PMIX_RANK=3", 4, 1, "libmpi.so.40")]
    [InlineData("PMI_SIZE=2 PMI_RANK=1 MPI_LOCALRANKID=1", 2, 1, "libmpich.so.12")]
    [InlineData("PMI_SIZE=8 PMI_RANK=5 SLURM_PROCID=5 SLURM_LOCALID=1 SLURM_STEP_NUM_TASKS=8", 8, 1, "libmpich.so.12")]
    [InlineData("PMIX_RANK=5 SLURM_PROCID=5 SLURM_LOCALID=1 SLURM_STEP_NUM_TASKS=8 SLURM_NTASKS=16", 8, 1, "libmpi.so.40")]
    public void A_launcher_is_known_by_its_variables(string variables, int size, int localRank, string library)
    {
        var launcher = Of(variables)!;
        Assert.Equal((size, localRank, library), (launcher.Size, launcher.LocalRank, launcher.Libraries[0]));
    }

    [Theory]
    [InlineData("")]
    [InlineData("SLURM_PROCID=0 SLURM_NTASKS=8 SLURM_LOCALID=0")] // a batch script
    [InlineData("SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=1")]
    public void A_process_started_by_itself_is_alone(string variables) => Assert.Null(Of(variables));

    [Fact]
    public void Processes_of_Slurm_that_cannot_find_each_other_are_refused()
    {
        var error = Assert.Throws<ProcessGroupUnavailableException>(() => Of("SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=8"));
        Assert.Contains("--mpi=pmix", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_library_that_is_missing_is_named_with_what_to_install()
    {
        Launcher launcher = new("mpirun of a test", 2, 1, ["libnot-there.so.1"], "install it so");
        var error = Assert.Throws<ProcessGroupUnavailableException>(() => MpiProcessGroup.Join(launcher, _ => { }));
        Assert.Contains("started 2 processes, but its library libnot-there.so.1 does not load", error.Message, StringComparison.Ordinal);
        Assert.Contains("install it so", error.Message, StringComparison.Ordinal);
        Assert.True(error.IsEcho);
    }

    [Fact]
    public void A_process_that_is_alone_loads_no_library()
    {
        using var group = ProcessGroups.Start(_ => { });
        Assert.Same(ProcessGroup.Alone, group);
        Assert.DoesNotContain("libmpi", File.ReadAllText("/proc/self/maps"), StringComparison.Ordinal);
    }

    [Fact]
    public void Ranks_share_the_processors_that_several_may_use()
    {
        Assert.Equal([2, 2], Shares(Place("a", 4, 0, 1, 2, 3), Place("a", 4, 0, 1, 2, 3)));
        Assert.Equal([1, 3], Shares(Place("a", 1, 0), Place("a", 3, 1, 2, 3)));
        Assert.Equal([4, 4], Shares(Place("a", 4, 0, 1, 2, 3), Place("b", 4, 0, 1, 2, 3)));
        Assert.Equal([1, 1, 1], Shares(Place("a", 2, 0, 1), Place("a", 2, 0, 1), Place("a", 2, 0, 1)));
        Assert.Equal([2, 2], Shares(Place("a", 4, 0, 1, 2, 3, 4, 5, 6, 7), Place("a", 4, 0, 1, 2, 3, 4, 5, 6, 7))); // a quota of 4
    }

    [Fact]
    public void Ranks_that_are_bound_to_few_of_many_processors_are_told_so()
    {
        RankPlace[] bound = [Place("a", 1, 0), Place("a", 1, 1), Place("b", 1, 7)];
        Assert.Contains("2 of 8 processors", RankPlace.AdviceFor(bound, 0), StringComparison.Ordinal);
        Assert.Null(RankPlace.AdviceFor([Place("a", 4, 0, 1, 2, 3), Place("a", 4, 4, 5, 6, 7)], 1));
    }

    [Fact]
    public void Ranks_are_counted_by_machine()
    {
        RankPlace[] places = [Place("a", 1, 0), Place("b", 1, 0), Place("a", 1, 1)];
        places = [.. places.Select((place, rank) => place with { Rank = rank })];
        Assert.Equal([0, 0, 1], places.Select(place => RankPlace.LocalRankOf(places, place.Rank)));
        Assert.Equal([2, 1, 2], places.Select(place => RankPlace.LocalSizeOf(places, place.Rank)));
    }

    private static int[] Shares(params RankPlace[] places) =>
        [.. Enumerable.Range(0, places.Length).Select(rank => RankPlace.ShareOf(places, rank))];

    private static RankPlace Place(string boot, int usage, params int[] usable) => new(0, "host", boot, 1, usable, usage, 8, null);

    private static Launcher? Of(string variables)
    {
        var pairs = variables.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('='));
        var set = pairs.ToDictionary(pair => pair[0], pair => pair[1]);
        return Launcher.Of(set.GetValueOrDefault);
    }
}
