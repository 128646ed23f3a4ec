using DinoSharp.Distributed.Mpi;

namespace DinoSharp.Distributed;

/// <summary>How a process gets its group.</summary>
public static class ProcessGroups
{
    /// <summary>
    /// Joins the processes that mpirun, mpiexec or srun started together with this one. A process that was started by itself is alone, and
    /// nothing of MPI is loaded. Call it once, before the work.
    /// </summary>
    /// <param name="tell">tells people a line: why all ranks end</param>
    /// <exception cref="ProcessGroupUnavailableException">One line: there are several processes, and no library that joins them.</exception>
    public static ProcessGroup Start(Action<string> tell) =>
        Launcher.Of(Environment.GetEnvironmentVariable) is { Size: > 1 } launcher ? MpiProcessGroup.Join(launcher, tell) : ProcessGroup.Alone;
}
