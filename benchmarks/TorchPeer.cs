using System.Diagnostics;
using System.Globalization;

namespace DinoSharp.Benchmarks;

/// <summary>The same operations in PyTorch, in a process of its own that does them whenever it is asked to.</summary>
internal sealed class TorchPeer : IDisposable
{
    private readonly string _script;
    private readonly Process _process;

    private TorchPeer(string script, Process process) => (_script, _process) = (script, process);

    /// <summary>Its largest resident size so far, in bytes.</summary>
    public double Memory => Ask("memory");

    /// <summary>Starts it with the first Python that has PyTorch; null where none has.</summary>
    /// <param name="script">a file of this folder</param>
    /// <param name="arguments">the sizes</param>
    public static TorchPeer? TryStart(string script, params int[] arguments)
    {
        foreach (string? python in new[] { Environment.GetEnvironmentVariable("PYTHON"), "/usr/bin/python3", "python3" })
        {
            if (!string.IsNullOrEmpty(python) && TryStart(python, script, arguments) is { } peer)
            {
                return peer;
            }
        }

        return null;
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
        string line = _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"{_script} ended");
        return double.Parse(line, CultureInfo.InvariantCulture);
    }

    private static TorchPeer? TryStart(string python, string script, int[] arguments)
    {
        ProcessStartInfo start = new(python) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, script));
        Array.ForEach(arguments, argument => start.ArgumentList.Add(argument.ToString(CultureInfo.InvariantCulture)));
        try
        {
            Process process = Process.Start(start)!;
            process.BeginErrorReadLine(); // what it says of a missing module
            if (process.StandardOutput.ReadLine() is not null)
            {
                return new TorchPeer(script, process);
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
}
