using DinoSharp.Checkpoints;
using DinoSharp.Models.Backbones;

namespace DinoSharp.Models.Weights;

/// <summary>Backbones from files.</summary>
public static class Pretrained
{
    /// <summary>The backbone of a file in evaluation mode; its architecture follows from the tensors.</summary>
    /// <param name="path">.pth, .safetensors, a Hugging Face folder or a run folder</param>
    /// <param name="key">which network of a training's checkpoint: teacher (where nothing is said) or student</param>
    /// <param name="heads">attention heads, where the file does not say and they are not 64 wide</param>
    /// <param name="partial">whether tensors may be missing or left over</param>
    /// <exception cref="CheckpointException">One line: the file is damaged, of an unknown kind or incomplete.</exception>
    public static (Backbone Backbone, LoadReport Report) Load(string path, string? key = null, int? heads = null, bool partial = false) =>
        Load(WeightsFile.Open(path, key), heads, partial);

    /// <summary>The backbone of an open file in evaluation mode.</summary>
    /// <param name="file">its weights</param>
    /// <param name="heads">attention heads, where the file does not say and they are not 64 wide</param>
    /// <param name="partial">whether tensors may be missing or left over</param>
    /// <exception cref="CheckpointException">One line: the file is of an unknown kind or incomplete.</exception>
    public static (Backbone Backbone, LoadReport Report) Load(WeightsFile file, int? heads = null, bool partial = false)
    {
        var backbone = Create(BackboneShape.Infer(file.Backbone, heads ?? file.HeadCount, file.Path), file.Path);
        try
        {
            var report = WeightLoading.Load(backbone, file.Backbone, file.Path, partial, file.Ignored);
            backbone.eval();
            return (backbone, report);
        }
        catch
        {
            backbone.Dispose();
            throw;
        }
    }

    private static Backbone Create(BackboneShape shape, string path)
    {
        try
        {
            return shape switch
            {
                TransformerShape t => new VisionTransformer(new VisionTransformerOptions
                {
                    EmbedDim = t.EmbedDim,
                    Depth = t.Depth,
                    Heads = t.Heads,
                    MlpRatio = (double)t.HiddenDim / t.EmbedDim,
                    PatchSize = t.PatchSize,
                    ImageSize = t.PatchSize * t.GridSide,
                    InputChannels = t.InputChannels,
                }),
                ResNetShape r => new ResNet(new ResNetOptions
                {
                    Blocks = r.Blocks,
                    Bottlenecks = r.Bottlenecks,
                    Width = r.Width,
                    SmallStem = r.HasSmallStem,
                    InputChannels = r.InputChannels,
                }),
                XcitShape x => new Xcit(new XcitOptions
                {
                    EmbedDim = x.EmbedDim,
                    Depth = x.Depth,
                    Heads = x.Heads,
                    PatchSize = x.PatchSize,
                    InputChannels = x.InputChannels,
                }),
                _ => throw new ArgumentException($"unknown shape {shape}"),
            };
        }
        catch (ArgumentException error)
        {
            throw new CheckpointException($"{path}: {error.Message}", error);
        }
    }
}
