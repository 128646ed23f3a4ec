using DinoSharp.Methods.Dino;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Heads;
using DinoSharp.Training;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests;

/// <summary>Collapse as the paper has it (section 5.3, figure 7): made on purpose, and told apart from what learns.</summary>
public sealed class CollapseTests
{
    private const int OutputDim = 24;

    [Theory]
    [InlineData(0.0, 0.0, 400, 5, "one output")]
    [InlineData(3.17, 0.0, 400, 5, "same share")]
    [InlineData(1.5, 0.005, 400, 5, "same distribution")]
    [InlineData(0.0, 2.9, 400, 5, null)] // each image has its own output: perfect clusters are no collapse
    [InlineData(3.17, 0.0, 299, 5, null)] // too early to tell
    [InlineData(3.17, 0.0, 400, 1, null)]
    public void Metrics_are_diagnosed(double entropy, double information, long step, int epoch, string? expected)
    {
        using TinyDino run = new();
        string? diagnosis = run.Method.Diagnose(
            [("loss", entropy), ("teacher_entropy", entropy), ("kl", 0), ("teacher_information", information)],
            new(step, epoch, run.Trainer.Plan));
        if (expected is null)
        {
            Assert.Null(diagnosis);
        }
        else
        {
            Assert.Contains(expected, diagnosis, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', diagnosis!);
        }
    }

    [Theory]
    [InlineData(false, true, "one output")]
    [InlineData(true, false, "same share")]
    [InlineData(false, false, "same distribution")]
    public void A_real_training_collapses_without_centring_or_sharpening(bool centering, bool sharpening, string expected)
    {
        const int epochs = 10, stepsPerEpoch = 42, images = 32, batch = 8;
        var plan = new TrainingPlan(epochs, stepsPerEpoch);
        var options = new DinoOptions
        {
            Head = new DinoHeadOptions { OutputDim = OutputDim, HiddenDim = 16, BottleneckDim = 8 },
            TeacherMomentum = 0.98,
            Centering = centering,
            Sharpening = sharpening,
        };
        manual_seed(1);
        var shape = new VisionTransformerOptions { PatchSize = 4, EmbedDim = 16, Depth = 1, Heads = 2, ImageSize = 8 };
        using DinoMethod method = new(new VisionTransformer(shape), new VisionTransformer(shape), options, 0, plan, CPU);
        using Trainer trainer = new(
            method, new() { Epochs = epochs, BatchSize = batch, LearningRate = 0.04, WarmupEpochs = 1, WeightDecayEnd = 0.04 }, plan);
        using var colors = rand(images, 3, 1, 1);
        using var pictures = colors.expand(images, 3, 8, 8);
        StepResult? last = null;
        while (!trainer.Finished)
        {
            using var scope = NewDisposeScope();
            if (trainer.StepsDone == plan.TotalSteps - stepsPerEpoch)
            {
                method.TakeMetrics(); // of what came before the last epoch
            }

            long first = trainer.StepsDone % (images / batch) * batch;
            var seen = pictures.narrow(0, first, batch);
            last = trainer.Step(new([cat([seen + 0.1 * randn_like(seen), seen + 0.1 * randn_like(seen)])], []));
        }

        Assert.Contains(expected, method.Diagnose(method.TakeMetrics(), last!.Step), StringComparison.Ordinal);
    }
}
