using DinoSharp.Distributed;
using TorchSharp;

namespace DinoSharp.Cli;

/// <summary>The processes that this one was started with. All have the same command line; the first speaks for them.</summary>
internal static class Ranks
{
    private static bool _onDevice;

    /// <summary>This process's group; alone unless <see cref="Join"/> found others.</summary>
    public static ProcessGroup Group { get; private set; } = ProcessGroup.Alone;

    /// <summary>Whether there are others.</summary>
    public static bool AreSeveral => Group.Size > 1;

    /// <summary>Makes the group one that exchanges tensors of the device that this process computes on.</summary>
    /// <exception cref="ProcessGroupUnavailableException">One line: the processes' devices do not go together.</exception>
    public static void ComputeOn(torch.Device device)
    {
        if (!_onDevice)
        {
            Group = Group.On(device);
            _onDevice = true;
        }
    }

    /// <summary>Joins the others, if mpirun, mpiexec or srun started this process with others. Call it before anything is said.</summary>
    /// <exception cref="ProcessGroupUnavailableException">One line: they cannot be joined.</exception>
    public static void Join()
    {
        // Stands ready for the moment in which another is gone, and takes no hold of the terminal as Console.Error would.
        var errors = TextWriter.Synchronized(new StreamWriter(Console.OpenStandardError()) { AutoFlush = true });
        Group = ProcessGroups.Start(line => errors.WriteLine($"dino: {line}"));
        if (!AreSeveral)
        {
            return;
        }

        // mpirun gives each process a terminal of its own, which nobody looks at: what is said goes to mpirun's output, as to a log.
        Environment.SetEnvironmentVariable("TERM", "dumb");
        Console.SetError(errors);
        if (Group.IsFirst && Group.Advice is { } advice)
        {
            Console.Error.WriteLine(advice);
        }

        if (!Group.IsFirst)
        {
            Console.SetOut(TextWriter.Null);
        }
    }
}
