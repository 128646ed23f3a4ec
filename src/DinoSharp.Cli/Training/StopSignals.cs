using System.Runtime.InteropServices;

namespace DinoSharp.Cli.Training;

/// <summary>
/// Ctrl-C, SIGTERM and SIGUSR1 as a request to stop; a second one ends the process at once. SIGUSR1 is what mpirun hands on to the
/// processes it started: Open MPI's ends them a moment after a SIGTERM.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    /// <summary>
    /// Exit code of a command that was asked to stop and saved: the same command goes on (EX_TEMPFAIL of sysexits.h). Whoever runs a queue of jobs can
    /// tell it from a failure, which the same command would meet again.
    /// </summary>
    public const int ExitCode = 75;

    private const PosixSignal UserSignal = (PosixSignal)10; // SIGUSR1 on Linux, where mpirun is

    private static readonly PosixSignal[] Signals =
        OperatingSystem.IsLinux() ? [PosixSignal.SIGINT, PosixSignal.SIGTERM, UserSignal] : [PosixSignal.SIGINT, PosixSignal.SIGTERM];

    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;

    public StopSignals() =>
        _registrations = [.. Signals.Select(signal => PosixSignalRegistration.Create(signal, Ask))];

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _source.Dispose();
    }

    private void Ask(PosixSignalContext context)
    {
        context.Cancel = !_source.IsCancellationRequested;
        if (context.Cancel)
        {
            if (Ranks.Group.IsFirst)
            {
                Console.Error.WriteLine("stopping after this step, and saving; once more to leave at once");
            }

            _source.Cancel();
        }
    }
}
