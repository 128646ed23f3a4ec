using System.Globalization;

namespace DinoSharp.Distributed.Mpi;

/// <summary>What started this process together with others, as its environment tells.</summary>
/// <param name="Name">for people</param>
/// <param name="Size">processes it started</param>
/// <param name="LocalRank">number of this process among those of this machine</param>
/// <param name="Libraries">names of the libraries that can join them, the likeliest first</param>
/// <param name="Package">where people get the likeliest one</param>
internal sealed record Launcher(string Name, int Size, int LocalRank, IReadOnlyList<string> Libraries, string Package)
{
    private const string OpenMpiPackage = "Debian and Ubuntu: apt-get install libopenmpi3";
    private const string MpichPackage = "Debian and Ubuntu: apt-get install libmpich12";

    private static readonly string[] OpenMpi = ["libmpi.so.40"];
    private static readonly string[] Mpich = ["libmpich.so.12", "libmpi.so.12"]; // Debian's name, and that of everybody else

    /// <summary>The launcher that the variables tell of; null for a process that was started by itself.</summary>
    /// <param name="variable">environment variables by name</param>
    /// <exception cref="ProcessGroupUnavailableException">Slurm started several processes and gave them no way to find each other.</exception>
    public static Launcher? Of(Func<string, string?> variable)
    {
        if (Number("OMPI_COMM_WORLD_SIZE") is { } ofOpenMpi)
        {
            return new("mpirun of Open MPI", ofOpenMpi, Number("OMPI_COMM_WORLD_LOCAL_RANK") ?? 0, OpenMpi, OpenMpiPackage);
        }

        int local = Number("MPI_LOCALRANKID") ?? Number("SLURM_LOCALID") ?? 0;
        if (Number("PMI_SIZE") is { } ofPmi)
        {
            return new("mpiexec or srun (PMI)", ofPmi, local, [.. Mpich, .. OpenMpi], MpichPackage);
        }

        int? ofStep = Number("SLURM_STEP_NUM_TASKS");
        if (variable("PMIX_RANK") is not null && (ofStep ?? Number("SLURM_NTASKS")) is { } ofPmix)
        {
            return new("srun (PMIx)", ofPmix, local, [.. OpenMpi, .. Mpich], OpenMpiPackage);
        }

        return ofStep > 1 && variable("PMI_FD") is null && variable("PMIX_RANK") is null
            ? throw new ProcessGroupUnavailableException(
                $"srun started {ofStep} processes that cannot find each other: say srun --mpi=pmix or --mpi=pmi2 (srun --mpi=list shows which)")
            {
                IsEcho = local > 0,
            }
            : null;

        int? Number(string name) =>
            int.TryParse(variable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
    }
}
