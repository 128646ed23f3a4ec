using System.Diagnostics;

namespace DinoSharp.Imaging.Tests;

/// <summary>Processors with fewer instructions make the same bytes: the other tests once more, in processes that are denied them.</summary>
public class PortableTests
{
    [Theory]
    [InlineData("AVX512")]
    [InlineData("AVXVNNI")]
    [InlineData("AVX2")]
    [InlineData("HWIntrinsic")]
    public async Task The_same_bytes_without(string instructions)
    {
        Assert.SkipWhen(Processor.IsRestricted, "This is such a process.");
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] arguments =
        [
            "exec", typeof(PortableTests).Assembly.Location, "-noLogo", "-noColor",
            "-class", typeof(GoldenTests).FullName!, "-class", typeof(TwinTests).FullName!, "-class", typeof(PixelVectorsTests).FullName!,
            "-class", typeof(ProcessorTests).FullName!, "-class", typeof(AugmentationTests).FullName!,
        ];
        Array.ForEach(arguments, start.ArgumentList.Add);
        start.Environment[Processor.Variable] = instructions;
        start.Environment["DOTNET_Enable" + instructions] = "0";
        start.Environment["DOTNET_TieredPGO"] = "0"; // it would count for the whole of so short a run
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"without {instructions}: {output}{await errors}");
        Assert.Contains("Failed: 0, Skipped: 0", output, StringComparison.Ordinal);
    }
}
