using System.Globalization;

namespace DinoSharp.Cli.Commands;

/// <summary>
/// Takes a whole command of the reference's README after "dino train", launcher included: what stands before and with the script's
/// name says how many processes share a batch, and becomes accumulation over as many parts.
/// </summary>
internal static class ReferenceCommandLine
{
    private static readonly string[] Scripts = ["main_dino.py", "run_with_submitit.py"];
    private static readonly string[] ProcessCounts = ["--nproc_per_node", "--ngpus", "--nodes"];

    private const string BatchSize = "--batch_size_per_gpu";
    private const int ReferenceBatchSize = 64;

    /// <summary>Options of the reference's launchers that mean nothing to one process.</summary>
    private static readonly string[] Ignored =
        ["--dist_url", "--local_rank", "--partition", "--timeout", "--use_volta32", "--comment", "--master_port", "--nnodes"];

    /// <summary>The same command in this program's words, or the arguments as they are where no script is named.</summary>
    public static string[] Translate(string[] arguments)
    {
        int script = Array.FindIndex(arguments, a => Scripts.Any(s => a.EndsWith(s, StringComparison.Ordinal)));
        if (script < 0)
        {
            return arguments;
        }

        int processes = 1;
        var rest = new List<string> { "train" };
        for (int i = 1; i < arguments.Length; i++)
        {
            string[] parts = arguments[i].Split('=', 2);
            bool valueFollows = parts.Length == 1 && i + 1 < arguments.Length && !arguments[i + 1].StartsWith("--", StringComparison.Ordinal);
            if (ProcessCounts.Contains(parts[0]))
            {
                string value = parts.Length == 2 ? parts[1] : valueFollows ? arguments[++i] : "";
                processes *= int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int count) ? count : 1;
            }
            else if (Ignored.Contains(parts[0]))
            {
                i += valueFollows ? 1 : 0;
            }
            else if (i > script)
            {
                rest.Add(arguments[i]);
            }
        }

        return [.. WithBatchOf(processes, rest)];
    }

    /// <summary>The batch of one process times their number, in as many parts.</summary>
    private static List<string> WithBatchOf(int processes, List<string> arguments)
    {
        if (processes == 1)
        {
            return arguments;
        }

        int perProcess = ReferenceBatchSize;
        int at = arguments.FindIndex(a => a.Split('=')[0] == BatchSize);
        if (at >= 0)
        {
            bool joined = arguments[at].Contains('=');
            string value = joined ? arguments[at].Split('=')[1] : arguments.ElementAtOrDefault(at + 1) ?? "";
            if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out perProcess))
            {
                return arguments; // the parser names the fault
            }

            arguments.RemoveRange(at, joined ? 1 : 2);
        }

        return
        [
            .. arguments,
            BatchSize, (perProcess * processes).ToString(CultureInfo.InvariantCulture),
            "--accumulation-steps", processes.ToString(CultureInfo.InvariantCulture),
        ];
    }
}
