using System.Globalization;

namespace DinoSharp.Cli.Commands;

/// <summary>
/// Takes a whole command of the reference's README after "dino train", launcher included: what stands before and with the script's
/// name says how many processes share a batch, and becomes accumulation over as many parts.
/// </summary>
internal static class ReferenceCommandLine
{
    private const string DirectScript = "main_dino.py";
    private const string SlurmScript = "run_with_submitit.py";
    private const string BatchSize = "--batch-size-per-gpu";
    private const int ReferenceBatchSize = 64;

    /// <summary>How many processes there are is the product of these.</summary>
    private static readonly string[] ProcessCounts = ["--nproc-per-node", "--nnodes", "--ngpus", "--nodes"];

    /// <summary>Options of the reference's launchers that mean nothing to one process.</summary>
    private static readonly string[] Ignored =
        ["--dist-url", "--local-rank", "--partition", "--timeout", "--use-volta32", "--comment", "--master-port"];

    /// <summary>The reference's defaults that are other than this program's, by option.</summary>
    private static readonly (string Name, string Value)[] Defaults = [("--warmup-epochs", "10"), ("--exact-views", "true"), ("--published", "true")];

    /// <summary>
    /// The same command in this program's words; option names with underscores become the hyphenated ones in any command.
    /// </summary>
    public static string[] Translate(string[] arguments)
    {
        string[] words = [.. arguments.Select(Hyphenated)];
        int script = Array.FindIndex(words, word => IsScript(word, DirectScript) || IsScript(word, SlurmScript));
        if (script < 0)
        {
            return words;
        }

        int launcher = Array.FindIndex(words, word => IsLauncher(word) || word == words[script]);
        // The Slurm launcher's own defaults are two nodes of eight.
        var counts = IsScript(words[script], SlurmScript)
            ? new Dictionary<string, int> { ["--nodes"] = 2, ["--ngpus"] = 8 }
            : [];
        var rest = new List<string>(launcher > 0 ? words[..launcher] : ["train"]);
        for (int i = launcher; i < words.Length; i++)
        {
            string[] parts = words[i].Split('=', 2);
            bool valueFollows = parts.Length == 1 && i + 1 < words.Length && !words[i + 1].StartsWith("--", StringComparison.Ordinal);
            if (ProcessCounts.Contains(parts[0]))
            {
                string value = parts.Length == 2 ? parts[1] : valueFollows ? words[++i] : "";
                counts[parts[0]] = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count > 0
                    ? count
                    : throw new RequestException($"{parts[0]} is not a number of processes, but '{value}'");
            }
            else if (Ignored.Contains(parts[0]))
            {
                i += valueFollows ? 1 : 0;
            }
            else if (i > script)
            {
                rest.Add(words[i]);
            }
        }

        rest.AddRange(Defaults.Where(option => !Has(rest, option.Name)).SelectMany(option => new[] { option.Name, option.Value }));
        return [.. WithBatchOf(counts.Values.Aggregate(1, (product, count) => product * count), rest)];
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

    /// <summary>--out_dim=4096 as --out-dim=4096; values stay as they are.</summary>
    private static string Hyphenated(string argument)
    {
        if (!argument.StartsWith("--", StringComparison.Ordinal))
        {
            return argument;
        }

        int end = argument.IndexOf('=', StringComparison.Ordinal);
        return end < 0 ? argument.Replace('_', '-') : argument[..end].Replace('_', '-') + argument[end..];
    }

    private static bool Has(List<string> arguments, string name) => arguments.Exists(a => a.Split('=')[0] == name);

    private static bool IsScript(string word, string script) => Path.GetFileName(word) == script;

    private static bool IsLauncher(string word) =>
        Path.GetFileName(word) is var name && (name == "torchrun" || name.StartsWith("python", StringComparison.Ordinal));
}
