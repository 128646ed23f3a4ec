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
        MethodChecks.Hold(new SupervisedOptions { AverageMomentum = 0.9, Dropout = 0.5 }, OneView, residual, Labels);

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

    /// <summary>DeiT states 5e-4 for a batch of 512, which is 2.5e-4 for one of 256: 1e-3 for its 1,024 views, of which three are of one image.</summary>
    [Fact]
    public void Published_rates_are_those_of_the_papers()
    {
        var definition = new SupervisedDefinition();
        var ofTransformers = definition.Published(transformer: true);
        int repeats = ((SupervisedOptions)ofTransformers.Method).Repeats;
        Assert.Equal((3, 1026, 300), (repeats, repeats * ofTransformers.Training.BatchSize, repeats * ofTransformers.Training.Epochs));
        Assert.Equal(1e-3 * 1026 / 1024, ofTransformers.Training.ScaledLearningRate, 1e-12);
        Assert.Equal(5.0 / 300, ofTransformers.Training.EffectiveWarmupEpochs / ofTransformers.Training.Epochs, 1e-12);
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
        var settings = definition.Fitted(definition.Published(transformer: true), fitting);
        var fitted = (SupervisedOptions)settings.Method;
        Assert.Equal(plain, fitted is { MixupAlpha: 0, CutMixAlpha: 0, EraseProbability: 0 });
        Assert.Equal((1, 2.5e-4), (fitted.Repeats, settings.Training.LearningRate));
        Assert.Equal(plain ? 4 : 1, fitting.Reasons.Count);
    }

    /// <summary>Neighbours are mixed, so a part of a batch needs an even number of images; a whole batch may have any.</summary>
    [Fact]
    public void Parts_that_tear_neighbours_apart_are_refused()
    {
        SupervisedOptions mixed = new(), plain = mixed with { MixupAlpha = 0, CutMixAlpha = 0 };
        Assert.Contains("171 images", Assert.Throws<ArgumentException>(() => mixed.CheckParts(171, 342)).Message, StringComparison.Ordinal);
        mixed.CheckParts(114, 342);
        mixed.CheckParts(171, 171);
        plain.CheckParts(171, 342);
    }

    /// <summary>Several views of an image are other views, and each learns the image's label.</summary>
    [Fact]
    public void A_batch_has_several_views_of_each_image()
    {
        using var scope = NewDisposeScope();
        var options = new SupervisedOptions { Repeats = 3, LabelSmoothing = 0, MixupAlpha = 0, CutMixAlpha = 0, EraseProbability = 0 };
        var recipe = options.Recipe(new() { GlobalSize = 16 });
        Assert.Equal(3, recipe.ViewCount);
        using PixelImage picture = new(40, 30, 3);
        for (int i = 0; i < picture.Pixels.Length; i++)
        {
            picture.Pixels[i] = (byte)(i * 7);
        }

        var views = Enumerable.Range(0, 3).Select(view =>
        {
            SampleRandom random = new(3, 0, 5, view);
            using var made = recipe.Make(picture, view, ref random);
            return Convert.ToHexString(made.Pixels);
        });
        Assert.Equal(3, views.Distinct().Count());

        using TinyTraining tiny = new(options, new TrainingOptions { Epochs = 3, BatchSize = 4 }, OneView, labels: Labels);
        var crops = randn(12, 3, 8, 8);
        double loss = tiny.Method.Loss(new TrainingBatch([crops], [4, 1, 2, 0]), tiny.Trainer.Plan.StepAfter(0)).item<float>();
        var logs = ((SupervisedMethod)tiny.Method).Logits(crops).log_softmax(1);
        long[] labels = [1, 1, 2, 0, 1, 1, 2, 0, 1, 1, 2, 0];
        Assert.Equal(-labels.Select((label, i) => logs[i, label].item<float>()).Average(), loss, 1e-5);
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
