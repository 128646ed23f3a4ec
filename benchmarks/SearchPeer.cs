using System.Diagnostics;
using System.Globalization;

namespace DinoSharp.Benchmarks;

/// <summary>PyTorch's search in a process of its own (torch_search.py), which searches whenever it is asked to.</summary>
internal sealed class SearchPeer : IDisposable
{
    private readonly Process _process;
    private readonly List<double> _seconds = [];

    private SearchPeer(Process process) => _process = process;

    /// <summary>The median of the searches but the first, as it measured them.</summary>
    public double Seconds => Measure.Median([.. _seconds.Skip(1)]);

    /// <summary>Its largest resident size so far, in bytes.</summary>
    public double Memory => Ask("memory");

    /// <summary>Starts it with the first Python that has PyTorch; null where none has.</summary>
    public static SearchPeer? TryStart(params int[] arguments)
    {
        foreach (string? python in new[] { Environment.GetEnvironmentVariable("PYTHON"), "/usr/bin/python3", "python3" })
        {
            if (!string.IsNullOrEmpty(python) && TryStart(python, arguments) is { } peer)
            {
                return peer;
            }
        }

        return null;
    }

    /// <summary>One search for all queries.</summary>
    public void Search() => _seconds.Add(Ask("search"));

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
        string line = _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("torch_search.py ended");
        return double.Parse(line, CultureInfo.InvariantCulture);
    }

    private static SearchPeer? TryStart(string python, int[] arguments)
    {
        ProcessStartInfo start = new(python) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "torch_search.py"));
        Array.ForEach(arguments, argument => start.ArgumentList.Add(argument.ToString(CultureInfo.InvariantCulture)));
        try
        {
            Process process = Process.Start(start)!;
            process.BeginErrorReadLine(); // what it says of a missing module
            if (process.StandardOutput.ReadLine() is not null)
            {
                return new SearchPeer(process);
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
