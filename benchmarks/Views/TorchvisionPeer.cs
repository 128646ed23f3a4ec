using System.Diagnostics;
using System.Globalization;

namespace DinoSharp.Benchmarks.Views;

/// <summary>torchvision's pipeline in a process of its own (torchvision_views.py), which runs a round whenever it is asked to.</summary>
internal sealed class TorchvisionPeer : IDisposable
{
    private readonly Process _process;

    private TorchvisionPeer(Process process, string version)
    {
        _process = process;
        Version = version;
    }

    /// <summary>Of torchvision and of what decodes and resizes for it.</summary>
    public string Version { get; }

    /// <summary>Starts it with the first Python that has torchvision; null where none has.</summary>
    public static TorchvisionPeer? TryStart(string kind, IReadOnlyList<byte[]> images)
    {
        foreach (string? python in new[] { Environment.GetEnvironmentVariable("PYTHON"), "python3", "/usr/bin/python3" })
        {
            if (!string.IsNullOrEmpty(python) && TryStart(python, kind) is { } peer)
            {
                peer.Send(images);
                return peer;
            }
        }

        return null;
    }

    /// <summary>Seconds of a round over all images: of everything, and of decoding alone.</summary>
    public double Round(string what)
    {
        _process.StandardInput.WriteLine(what);
        _process.StandardInput.Flush();
        string line = _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("torchvision_views.py ended");
        return double.Parse(line, CultureInfo.InvariantCulture);
    }

    public void Dispose()
    {
        _process.StandardInput.Close(); // which ends it
        _process.WaitForExit();
        _process.Dispose();
    }

    private static TorchvisionPeer? TryStart(string python, string kind)
    {
        ProcessStartInfo start = new(python) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "torchvision_views.py"));
        start.ArgumentList.Add(kind);
        start.Environment["OMP_NUM_THREADS"] = "1";
        try
        {
            Process process = Process.Start(start)!;
            process.BeginErrorReadLine(); // what it says of a missing module
            if (process.StandardOutput.ReadLine() is { } version)
            {
                return new TorchvisionPeer(process, version);
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

    private void Send(IReadOnlyList<byte[]> images)
    {
        Stream stream = _process.StandardInput.BaseStream;
        _process.StandardInput.WriteLine(images.Count);
        foreach (byte[] image in images)
        {
            _process.StandardInput.WriteLine(image.Length);
            _process.StandardInput.Flush();
            stream.Write(image);
        }

        stream.Flush();
    }
}
