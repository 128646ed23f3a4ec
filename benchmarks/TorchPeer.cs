namespace DinoSharp.Benchmarks;

/// <summary>The same operations in PyTorch.</summary>
internal static class TorchPeer
{
    /// <summary>Starts it with the first Python that has PyTorch; null where none has.</summary>
    /// <param name="script">a file of this folder</param>
    /// <param name="arguments">the sizes</param>
    public static Peer? TryStart(string script, params int[] arguments) =>
        new[] { Environment.GetEnvironmentVariable("PYTHON"), "/usr/bin/python3", "python3" }
            .Where(python => !string.IsNullOrEmpty(python))
            .Select(python => Peer.TryStart(
                python!,
                [Path.Combine(AppContext.BaseDirectory, script), .. arguments.Select(argument => argument.ToString(System.Globalization.CultureInfo.InvariantCulture))]))
            .FirstOrDefault(peer => peer is not null);
}
