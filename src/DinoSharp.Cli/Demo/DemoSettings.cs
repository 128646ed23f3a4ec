using DinoSharp.Cli.Training;
using DinoSharp.Data;
using DinoSharp.Methods.Dino;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Heads;
using DinoSharp.Training;

namespace DinoSharp.Cli.Demo;

/// <summary>
/// DINO made small: a transformer of 0.8 million parameters on patches of 32 pixels. Beside the sizes, what differs from the paper is
/// what a short training on few images needs: fewer outputs, a faster teacher, a higher learning rate, weaker blur on small crops.
/// </summary>
internal static class DemoSettings
{
    public static TrainSettings For(string patches) => new()
    {
        Data = new DataSettings { Paths = [patches] },
        Arch = "vit_tiny",
        Shape = new VisionTransformerOptions { ImageSize = PatchSet.PatchSide, PatchSize = 8, EmbedDim = 128, Depth = 4, Heads = 4 },
        Method = new DinoOptions
        {
            Head = new DinoHeadOptions { OutputDim = 512, HiddenDim = 256, BottleneckDim = 64 },
            TeacherMomentum = 0.99,
        },
        Training = new TrainingOptions
        {
            Epochs = 20,
            BatchSize = 64,
            LearningRate = 4e-3,
            WarmupEpochs = 1,
            WeightDecayEnd = 0.1,
        },
        Views = new MultiCropOptions
        {
            GlobalSize = PatchSet.PatchSide,
            LocalSize = PatchSet.PatchSide / 2,
            LocalCount = 4,
            LocalScale = new Interval(0.1, 0.4),
            BlurRadius = new Interval(0.1, 0.8),
            SolarizeProbability = 0,
        },
    };
}
