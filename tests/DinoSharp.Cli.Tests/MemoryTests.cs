using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

/// <summary>What the tensors' count does not show: whether the C heap is used again or grows.</summary>
public sealed class MemoryTests
{
    private const long Most = 1L << 30;

    /// <summary>Each step makes and frees hundreds of megabytes of maps; 100 steps that reuse nothing would take many gigabytes.</summary>
    [Fact]
    public async Task The_memory_of_a_step_serves_the_next_one()
    {
        using var folder = TestFolder.OfImages(64);
        using var process = Dino.Start(
            "train", "--data", folder.Path, "--out", Path.Combine(folder.Path, "run"), "--arch", "resnet18", "--small-stem", "--resnet-width", "16",
            "--global-crops-size", "32", "--local-crops-size", "16", "--local-crops-number", "2", "--out-dim", "64", "--batch-size", "16",
            "--epochs", "25", "--keep-every", "0");
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        long peak = Dino.PeakMemory(process);
        Assert.True(process.ExitCode == 0, await output + await error);
        Assert.InRange(peak, 1, Most);
    }
}
