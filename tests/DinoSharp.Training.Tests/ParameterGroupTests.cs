using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Heads;
using DinoSharp.Tests;
using DinoSharp.Training.Optimizers;

namespace DinoSharp.Training.Tests;

/// <summary>Which parameters are decayed, and in what order an optimizer numbers them, as in the reference (fixtures/schedules).</summary>
public sealed class ParameterGroupTests
{
    [Theory]
    [InlineData("norm-last-layer", true, false)]
    [InlineData("free-last-layer", false, false)]
    [InlineData("free-last-layer-batchnorm", false, true)]
    public void Groups_hold_the_references_parameters_in_its_order(string variant, bool freezeMagnitude, bool batchNorm)
    {
        var head = new DinoHeadOptions
        {
            OutputDim = 96,
            HiddenDim = 64,
            BottleneckDim = 32,
            FreezeMagnitude = freezeMagnitude,
            BatchNorm = batchNorm,
        };
        var backbone = new VisionTransformer(new() { PatchSize = 8, EmbedDim = 48, Depth = 3, Heads = 3, ImageSize = 32 });
        using MultiCropEncoder network = new(backbone, new DinoHead(backbone.FeatureDim, head));
        var expected = Golden.Json("schedules/parameter-groups.json").GetProperty(variant);

        var groups = ParameterGroups.Of(network);

        Assert.Equal(Names(expected.GetProperty("groups")[0].GetProperty("names")), groups.Groups[0].Parameters.Select(p => p.Name));
        Assert.Equal(Names(expected.GetProperty("groups")[1].GetProperty("names")), groups.Groups[1].Parameters.Select(p => p.Name));
        Assert.Equal(Names(expected.GetProperty("all")), network.named_parameters().Select(p => p.name));
    }

    private static IEnumerable<string> Names(System.Text.Json.JsonElement list) => list.EnumerateArray().Select(name => name.GetString()!);
}
