using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

/// <summary>A cross-covariance image transformer on the command line, from its training to its evaluations.</summary>
public sealed class XcitTests
{
    [Fact]
    public void An_XCiT_is_trained_gone_on_with_inspected_converted_and_used()
    {
        using TestFolder folder = new();
        string data = TinyTraining.WriteImages(folder, 12), run = Path.Combine(folder.Path, "run");
        string[] arguments = TinyTraining.Arguments(data, run, 2, "--arch", "xcit_small_12_p16", "--drop-path-rate", "0.2", "--keep-every", "1");
        Dino.Run(arguments).Succeeded();
        byte[] latest = File.ReadAllBytes(TinyTraining.Latest(run));
        File.Copy(Path.Combine(run, "checkpoints", "epoch-0001.pth"), TinyTraining.Latest(run), overwrite: true);
        Dino.Run(arguments).Succeeded();
        Assert.Equal(latest, File.ReadAllBytes(TinyTraining.Latest(run)));

        var steps = TinyTraining.Steps(run);
        Assert.Equal(6, steps.Length);
        Assert.All(steps, step => Assert.InRange((double)step["loss"]!, 1, 10));

        var backbone = Dino.Run("inspect", run, "--json").Succeeded().Json["backbone"]!;
        string[] names = ["kind", "patch_size", "embed_dim", "depth", "num_heads", "channels"];
        Assert.Equal("xcit 8 24 2 3 3", string.Join(' ', names.Select(name => backbone[name]!.ToString())));
        Assert.Contains("XCiT: patch 8, 24 dimensions, 2 blocks, 3 heads", Dino.Run("inspect", run).Succeeded().Output, StringComparison.Ordinal);

        string safe = Path.Combine(folder.Path, "xcit.safetensors"), torch = Path.Combine(folder.Path, "xcit.pth");
        Dino.Run("convert", run, safe).Succeeded();
        Dino.Run("convert", safe, torch).Succeeded();
        Dino.Run("convert", run, Path.Combine(folder.Path, "hf")).Failed(2, "an XCiT", "Hugging Face");
        Assert.Equal(Knn(run), Knn(torch));
        Dino.Run("knn", "--data", data, "--weights", torch, "--arch", "vit_small").Failed(2, "no vit_small");
        Dino.Run("knn", "--data", data, "--weights", torch, "--patch-size", "16").Failed(2, "patches of 8");
        Dino.Run("attention", "--weights", torch, "--out", Path.Combine(folder.Path, "attention"), data).Failed(2, "no attention to draw");

        string Knn(string weights) =>
            Dino.Run("knn", "--data", data, "--weights", weights, "--image-size", "32", "--json").Succeeded().Json["scores"]!.ToJsonString();
    }
}
