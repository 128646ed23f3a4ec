using DinoSharp.Data;
using DinoSharp.Methods.Byol;
using DinoSharp.Methods.InfoMin;
using DinoSharp.Methods.MocoV2;
using DinoSharp.Methods.MocoV3;
using DinoSharp.Methods.SimClr;
using DinoSharp.Models.Backbones;
using DinoSharp.Training;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests;

/// <summary>Methods that compare two views, on pictures of one colour each with noise on them: what the colour is can be learned, the noise not.</summary>
public sealed class ContrastLearnsTests
{
    private const int Images = 32, Batch = 16, Epochs = 60, Side = 12;

    private static readonly MocoV2Options Queue = new() { QueueSize = 16, KeyMomentum = 0.95, HiddenDim = 32, ProjectionDim = 8, NormGroups = 2 };

    public static TheoryData<string, MethodOptions, bool, double> Methods => new()
    {
        { "BYOL", new ByolOptions { HiddenDim = 32, ProjectionDim = 8, TargetMomentum = 0.95 }, false, 0.5 },
        { "SimCLR", new SimClrOptions { HiddenDim = 32, ProjectionDim = 8, Temperature = 0.5 }, false, 0.8 },
        { "MoCo v2", Queue, false, 0.6 },
        { "MoCo v2 in groups of 8", Queue, true, 0.9 }, // small groups make batch norm noisy
        { "MoCo v3", new MocoV3Options { HiddenDim = 32, ProjectionDim = 8, KeyMomentum = 0.95 }, false, 0.6 },
        {
            "InfoMin",
            new InfoMinOptions { QueueSize = 16, KeyMomentum = 0.95, Temperature = 0.2, HiddenDim = 32, ProjectionDim = 8, NormGroups = 2 },
            true,
            0.7
        },
    };

    [Theory]
    [MemberData(nameof(Methods))]
    public void Views_of_an_image_come_to_agree_and_images_stay_apart(string name, MethodOptions options, bool residual, double part)
    {
        using var scope = NewDisposeScope();
        var training = new TrainingOptions
        {
            Epochs = Epochs,
            BatchSize = Batch,
            LearningRate = 0.03,
            WarmupEpochs = 2,
            WeightDecay = 0,
            WeightDecayEnd = 0,
            ClipGradient = 0,
        };
        var plan = new TrainingPlan(Epochs, Images / Batch);
        int jigsaws = options is InfoMinOptions ? 1 : 0;
        manual_seed(3);
        using var method = options.Create(new()
        {
            CreateBackbone = _ => residual
                ? new ResNet(new() { Blocks = [1, 1, 1, 1], Bottlenecks = false, Width = 4, SmallStem = true })
                : new VisionTransformer(new() { PatchSize = 4, EmbedDim = 16, Depth = 2, Heads = 2, ImageSize = Side }),
            Training = training,
            Plan = plan,
            Views = new() { GlobalSize = Side, LocalSize = Side, LocalCount = jigsaws },
            Images = Images,
            Device = CPU,
        });
        using var trainer = new Trainer(method, training, plan);
        var colours = randn(Images, 3, 1, 1);
        double first = 0;
        while (!trainer.Finished)
        {
            using var step = NewDisposeScope();
            var seen = colours.roll(-(trainer.StepsDone % plan.StepsPerEpoch) * Batch).narrow(0, 0, Batch).expand(Batch, 3, Side, Side);
            trainer.Step(new([cat([.. Enumerable.Range(0, 2 + jigsaws).Select(_ => seen + 0.5 * randn_like(seen))])], []));
            if (trainer.StepsDone == 4)
            {
                first = Metric("loss");
            }
            else if (trainer.StepsDone == plan.TotalSteps - 8)
            {
                method.TakeMetrics(); // of what came before the end
            }
        }

        var last = method.TakeMetrics();
        double loss = last.First(metric => metric.Name == "loss").Value;
        Assert.True(loss < part * first, $"{name}: the loss went from {first} to {loss} only");
        Assert.True(last.First(metric => metric.Name == "output_spread").Value > 0.4, $"{name}: {string.Join(", ", last)}");

        double Metric(string which) => method.TakeMetrics().First(metric => metric.Name == which).Value;
    }
}
