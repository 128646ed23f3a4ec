using DinoSharp.Data;
using DinoSharp.Imaging;
using DinoSharp.Methods.Supervised;
using DinoSharp.Training;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests.Supervised;

/// <summary>Training with labels as one of the methods.</summary>
public sealed class SupervisedDefinitionTests
{
    private static readonly MultiCropOptions OneView = new() { GlobalCount = 1, LocalCount = 0 };
    private static readonly ImageLabels Labels = new([.. Enumerable.Range(0, TinyTraining.Images).Select(i => (long)i % 3)], 3);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_moves_resumes_to_the_bit_and_leaves_no_tensor(bool residual) =>
        MethodChecks.Hold(new SupervisedOptions { AverageMomentum = 0.9 }, OneView, residual, Labels);

    [Fact]
    public void Images_without_labels_are_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => new TinyTraining(new SupervisedOptions(), views: OneView));
        Assert.Contains("needs images with labels", error.Message, StringComparison.Ordinal);
        Assert.True(new SupervisedDefinition().NeedsLabels);
    }

    [Fact]
    public void What_is_mixed_follows_the_seed_of_the_training()
    {
        using var scope = NewDisposeScope();
        double Loss(long seed)
        {
            using TinyTraining tiny = new(
                new SupervisedOptions { LabelSmoothing = 0 },
                new TrainingOptions { Epochs = 3, BatchSize = 8, Seed = seed }, OneView, labels: Labels);
            return tiny.Method.Loss(new TrainingBatch([rand(8, 3, 8, 8)], [0, 1, 2, 3, 4, 5, 6, 7]), tiny.Trainer.Plan.StepAfter(0)).item<float>();
        }

        Assert.Equal(Loss(1), Loss(1));
        Assert.NotEqual(Loss(1), Loss(2));
    }

    /// <summary>DeiT states 5e-4 for a batch of 512, which is 2.5e-4 for one of 256: 1e-3 for its 1,024.</summary>
    [Fact]
    public void Published_rates_are_those_of_the_papers()
    {
        var definition = new SupervisedDefinition();
        Assert.Equal(1e-3, definition.Published(transformer: true).Training.ScaledLearningRate, 1e-12);
        Assert.Equal(0.1, definition.Published(transformer: false).Training.ScaledLearningRate, 1e-12);
        Assert.Equal(0, ((SupervisedOptions)definition.Published(transformer: false).Method).MixupAlpha);
    }

    [Theory]
    [InlineData(50, true)]
    [InlineData(300, false)]
    public void In_few_epochs_nothing_is_mixed(int epochs, bool plain)
    {
        var definition = new SupervisedDefinition();
        var fitting = new Fitting(new TrainingFacts(Images: 50_000, ImageSide: 32, BatchSize: 500, Steps: 100 * epochs, Transformer: true));
        var fitted = (SupervisedOptions)definition.Fitted(definition.Published(transformer: true), fitting).Method;
        Assert.Equal(plain, fitted is { MixupAlpha: 0, CutMixAlpha: 0, EraseProbability: 0 });
        Assert.Equal(plain ? 3 : 0, fitting.Reasons.Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    public void The_view_is_the_one_that_fine_tuning_has_and_RandAugment_as_DeiT_has_it(double magnitude)
    {
        using PixelImage picture = new(40, 30, 3);
        for (int i = 0; i < picture.Pixels.Length; i++)
        {
            picture.Pixels[i] = (byte)(i * 7);
        }

        var recipe = new SupervisedOptions { EraseProbability = 0.5, RandAugmentMagnitude = magnitude }
            .Recipe(new() { GlobalSize = 16, GlobalScale = new(0.08, 1), Brightness = 0.3 });
        RandomCropRecipe expected = new(new()
        {
            Size = 16,
            Bicubic = true,
            ColorJitter = 0.3,
            EraseProbability = 0.5,
            RandAugment = magnitude == 0 ? null : new() { Operations = 2, Magnitude = magnitude, MagnitudeDeviation = 0.5, Probability = 0.5 },
        });
        Assert.Equal(1, recipe.ViewCount);
        for (int epoch = 0; epoch < 4; epoch++)
        {
            SampleRandom left = new(3, epoch, 5, 0), right = new(3, epoch, 5, 0);
            using var ours = recipe.Make(picture, 0, ref left);
            using var theirs = expected.Make(picture, 0, ref right);
            Assert.Equal(theirs.Pixels.ToArray(), ours.Pixels.ToArray());
        }
    }
}
