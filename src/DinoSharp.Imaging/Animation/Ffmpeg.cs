using System.ComponentModel;
using System.Diagnostics;

namespace DinoSharp.Imaging.Animation;

/// <summary>The programs ffmpeg and ffprobe of the system, which know all video formats.</summary>
public static class Ffmpeg
{
    private static readonly Lazy<bool> Found = new(Find);

    /// <summary>Whether they are installed.</summary>
    public static bool IsInstalled => Found.Value;

    /// <summary>Starts one of them; it says nothing but errors.</summary>
    /// <exception cref="ImageFormatException">It is not installed.</exception>
    internal static Process Start(string program, string file, params string[] arguments)
    {
        if (!IsInstalled)
        {
            throw new ImageFormatException(
                file, "video files need the program ffmpeg, which is not installed: install it, or use a folder of frames");
        }

        return Launch(program, ["-v", "error", .. arguments]);
    }

    /// <summary>The first line of what the program said, or how it ended; null if all went well. Waits for its end.</summary>
    internal static string? FaultOf(Process process, Task<string> errors)
    {
        process.WaitForExit();
        string? line = errors.GetAwaiter().GetResult().Split('\n', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault()?.Trim();
        return process.ExitCode == 0 ? null : $"ffmpeg says: {line ?? $"ended with {process.ExitCode}"}";
    }

    private static bool Find()
    {
        foreach (string program in new[] { "ffmpeg", "ffprobe" })
        {
            try
            {
                using Process process = Launch(program, ["-version"]);
                process.StandardInput.Close();
                _ = process.StandardError.ReadToEndAsync();
                _ = process.StandardOutput.ReadToEnd();
                process.WaitForExit();
                if (process.ExitCode != 0)
                {
                    return false;
                }
            }
            catch (Win32Exception)
            {
                return false; // there is no such program
            }
        }

        return true;
    }

    private static Process Launch(string program, IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        return Process.Start(start)!;
    }
}
