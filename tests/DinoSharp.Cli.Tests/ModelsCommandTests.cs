namespace DinoSharp.Cli.Tests;

public sealed class ModelsCommandTests
{
    /// <summary>Blocks, dimension, heads and tokens of arXiv 2104.14294, table 1; parameters as the reference and torchvision count them.</summary>
    [Fact]
    public void The_table_is_the_papers_with_exact_parameter_counts()
    {
        string[] expected =
        [
            "resnet18 - - 512 - - 11176512",
            "resnet34 - - 512 - - 21284672",
            "resnet50 - - 2048 - - 23508032",
            "resnet101 - - 2048 - - 42500160",
            "resnet50w2 - - 4096 - - 93907072",
            "vit_tiny 16 12 192 3 197 5524416",
            "vit_small 16 12 384 6 197 21665664",
            "vit_small 8 12 384 6 785 21670272",
            "vit_base 16 12 768 12 197 85798656",
            "vit_base 8 12 768 12 785 85807872",
            "xcit_small_12_p16 16 12 384 8 197 25868304",
            "xcit_small_12_p8 8 12 384 8 785 25828032",
            "xcit_medium_24_p16 16 24 512 8 197 83882752",
            "xcit_medium_24_p8 8 24 512 8 785 83810624",
        ];

        var json = Dino.Run("models", "--no-speed", "--json").Succeeded().Json;

        string[] names = ["arch", "patch_size", "blocks", "dim", "heads", "tokens", "params"];
        Assert.Equal(expected, json["models"]!.AsArray().Select(m => string.Join(' ', names.Select(n => m![n]?.ToString() ?? "-"))));
        Assert.All(json["models"]!.AsArray(), m => Assert.Null(m!["images_per_second"]));
    }

    [Fact]
    public void Speed_is_measured_of_the_networks_asked_for()
    {
        var model = Assert.Single(Dino.Run("models", "--arch", "vit_tiny", "--json").Succeeded().Json["models"]!.AsArray());
        Assert.InRange((double)model!["images_per_second"]!, 1e-3, 1e6);
        Assert.InRange((int)model["batch_size"]!, 1, 128);
        Dino.Run("models", "--arch", "vit_giant").Failed(2, "vit_giant", "vit_tiny");
    }
}
