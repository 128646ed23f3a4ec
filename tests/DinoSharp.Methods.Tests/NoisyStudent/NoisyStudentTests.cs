using DinoSharp.Methods.NoisyStudent;
using DinoSharp.Methods.Supervised;
using DinoSharp.Models.Backbones;
using DinoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests.NoisyStudent;

/// <summary>Which pseudo-labels are learnt from, and how.</summary>
public sealed class NoisyStudentTests
{
    private static readonly PseudoLabel[] Labels =
    [
        Of(0, 0.9f, 0.05f, 0.05f),
        Of(1, 0.5f, 0.3f, 0.2f),
        Of(2, 0.1f, 0.6f, 0.3f),
        Of(3, 0.7f, 0.2f, 0.1f),
        Of(4, 0.33f, 0.33f, 0.34f), // of the third class, but not for sure
        Of(5, 0.8f, 0.1f, 0.1f),
        Of(6, 0.05f, 0.9f, 0.05f),
    ];

    [Fact]
    public void Of_each_class_the_surest_are_taken_and_the_few_are_repeated()
    {
        Assert.Equal([0, 5, 3, 6, 2, 6], Images(PseudoLabelSelection.Balanced(Labels, 0.4, imagesPerClass: 3)));
        Assert.Equal([0, 5, 3, 1, 0, 6, 2, 6, 2, 6, 4, 4, 4, 4, 4], Images(PseudoLabelSelection.Balanced(Labels, 0.3, imagesPerClass: 5)));
    }

    [Fact]
    public void Without_a_number_the_mean_of_the_classes_is_taken() // 4 and 2 images are sure by 0.4: 3 each
        => Assert.Equal([0, 5, 3, 6, 2, 6], Images(PseudoLabelSelection.Balanced(Labels, 0.4)));

    [Fact]
    public void The_threshold_itself_is_sure_enough_and_nothing_may_be_left()
    {
        Assert.Equal([0, 6], Images(PseudoLabelSelection.Balanced(Labels, 0.9f)));
        Assert.Empty(PseudoLabelSelection.Balanced(Labels, 0.95));
        Assert.Throws<ArgumentOutOfRangeException>(() => PseudoLabelSelection.Balanced(Labels, 0.3, imagesPerClass: 0));
    }

    [Fact]
    public void Equally_sure_images_keep_their_order()
    {
        PseudoLabel[] same = [Of(7, 0.8f, 0.2f), Of(3, 0.8f, 0.2f), Of(5, 0.8f, 0.2f)];
        Assert.Equal([3, 5], Images(PseudoLabelSelection.Balanced(same, 0.3, imagesPerClass: 2)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Labelled_images_have_their_class_and_others_what_the_teacher_says(bool hard)
    {
        using var scope = NewDisposeScope();
        SoftLabels targets = new(new ImageLabels([2, 0], 3), 2, [Labels[1], Labels[2], Labels[1]], hard);
        var actual = targets.Targets(new TrainingBatch([], [4, 0, 3, 1]), CPU);
        float[] expected = hard
            ? [1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0]
            : [0.5f, 0.3f, 0.2f, 0, 0, 1, 0.1f, 0.6f, 0.3f, 1, 0, 0];
        Assert.Equal([4L, 3], actual.shape);
        Assert.Equal(expected, actual.data<float>().ToArray());
    }

    [Fact]
    public void Targets_are_known_by_their_values()
    {
        ImageLabels labels = new([0], 3);
        string Print(bool hard, params PseudoLabel[] others) => new SoftLabels(labels, 1, others, hard).Fingerprint;
        Assert.Equal(Print(false, Labels[0], Labels[1]), Print(false, Of(9, 0.9f, 0.05f, 0.05f), Labels[1]));
        Assert.NotEqual(Print(false, Labels[0], Labels[1]), Print(false, Labels[1], Labels[0]));
        Assert.NotEqual(Print(false, Labels[0]), Print(true, Labels[0]));
    }

    [Fact]
    public void A_teacher_of_other_classes_is_refused_in_a_line_that_names_the_images()
    {
        using var folder = new DinoSharp.Tests.TestFolder();
        folder.Write("cat/1.png");
        folder.Write("dog/1.png");
        using var source = DinoSharp.Data.ImageSources.Open(folder.Path);
        var error = Assert.Throws<ArgumentException>(() => new SoftLabels(ImageLabels.Of(source), 2, [Labels[0]], hard: false));
        Assert.Contains($"{folder.Path}: has 2 classes and the teacher 3", error.Message, StringComparison.Ordinal);
    }

    /// <summary>The cross-entropy with soft and smoothed targets, in float64 from the logits.</summary>
    [Fact]
    public void A_student_learns_all_probabilities()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        const double smoothing = 0.2;
        using SupervisedMethod method = new(
            new VisionTransformer(new() { PatchSize = 4, EmbedDim = 8, Depth = 1, Heads = 2, ImageSize = 8 }),
            null,
            new SupervisedOptions { LabelSmoothing = smoothing, MixupAlpha = 0, CutMixAlpha = 0 },
            new SoftLabels(new ImageLabels([2], 3), 1, [Labels[1], Labels[2]], hard: false),
            CPU);
        var batch = new TrainingBatch([rand(3, 3, 8, 8)], [0, 1, 2]);
        var logs = method.Logits(batch.Crops[0]).to(ScalarType.Float64).log_softmax(1);
        double[][] targets = [[0, 0, 1], [0.5, 0.3, 0.2], [0.1, 0.6, 0.3]];
        double expected = 0;
        for (int i = 0; i < 3; i++)
        {
            for (int c = 0; c < 3; c++)
            {
                expected -= ((1 - smoothing) * targets[i][c] + smoothing / 3) * logs[i, c].ToDouble() / 3;
            }
        }

        Assert.Equal(expected, method.Loss(batch, new TrainingPlan(1, 1).StepAfter(0)).item<float>(), 1e-6);
    }

    private static PseudoLabel Of(int image, params float[] probabilities) => new(image, probabilities);

    private static IEnumerable<int> Images(IEnumerable<PseudoLabel> labels) => labels.Select(label => label.Image);
}
