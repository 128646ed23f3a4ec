using System.Diagnostics;
using System.Globalization;

namespace DinoSharp.Benchmarks;

/// <summary>What is compared with, in a process of its own, that does its work whenever it is asked to.</summary>
internal sealed class Peer : IDisposable
{
    private readonly Process _process;

    private Peer(Process process) => _process = process;

    /// <summary>Its largest resident size so far, in bytes.</summary>
    public double Memory => Ask("memory");

    /// <summary>Starts it; null if it ends without the line that says it is ready, or there is no such program.</summary>
    public static Peer? TryStart(string program, params IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            Process process = Process.Start(start)!;
            process.BeginErrorReadLine(); // what it says of a missing module
            if (process.StandardOutput.ReadLine() is not null)
            {
                return new Peer(process);
            }

            process.WaitForExit();
            process.Dispose();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // There is no such program.
        }

        return null;
    }

    /// <summary>The other side: says that it is ready, and does and answers what it is asked, until nothing more is asked.</summary>
    /// <param name="work">done when asked to; seconds are the answer</param>
    public static void Serve(Action work)
    {
        Console.WriteLine("ready");
        while (Console.ReadLine() is { } asked)
        {
            using var process = Process.GetCurrentProcess();
            double answer = asked == "memory" ? process.PeakWorkingSet64 : Measure.Seconds(work);
            Console.WriteLine(answer.ToString("R", CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Does its work once.</summary>
    /// <param name="what">which, if it knows several</param>
    /// <returns>seconds, as it measured them</returns>
    public double Run(string what = "run") => Ask(what);

    public void Dispose()
    {
        _process.StandardInput.Close(); // which ends it
        _process.WaitForExit();
        _process.Dispose();
    }

    private double Ask(string what)
    {
        _process.StandardInput.WriteLine(what);
        _process.StandardInput.Flush();
        string line = _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"{_process.StartInfo.FileName} ended");
        return double.Parse(line, CultureInfo.InvariantCulture);
    }
}
