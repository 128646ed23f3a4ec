using DinoSharp.Data;
using DinoSharp.Distributed;
using DinoSharp.Imaging;
using DinoSharp.Methods.InfoMin;
using DinoSharp.Methods.MocoV2;
using DinoSharp.Tests;
using DinoSharp.Training.Optimizers;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests.InfoMin;

public sealed class InfoMinTests
{
    private const int JigsawSide = 12;

    private static readonly MultiCropOptions Views = new() { LocalCount = 1 };

    private static readonly InfoMinOptions Small = new()
    {
        QueueSize = 16,
        KeyMomentum = 0.9,
        HiddenDim = 16,
        ProjectionDim = 8,
        NormGroups = 2,
    };

    /// <summary>The weighted sum in plain loops and double precision; gradients by central differences.</summary>
    [Theory]
    [InlineData(0.5, 0.15)]
    [InlineData(0.2, 0.5)]
    public void Loss_and_gradients_are_the_formula(double weight, double temperature)
    {
        const int images = 4, dim = 3, size = 7;
        const double step = 1e-6;
        using var scope = NewDisposeScope();
        manual_seed(3);
        Tensor queries = Rows(images).requires_grad_(), jigsaws = Rows(images).requires_grad_();
        Tensor keys = nn.functional.normalize(Rows(images), dim: 1), negatives = nn.functional.normalize(Rows(size), dim: 1);
        double[] q = queries.data<double>().ToArray(), j = jigsaws.data<double>().ToArray();
        double[] k = keys.data<double>().ToArray(), n = negatives.data<double>().ToArray();
        var (loss, jigsaw) = InfoMinLoss.Of(queries, jigsaws, keys, negatives, temperature, weight);
        Assert.Equal(Transcribed(q, j), loss.item<double>(), 1e-10);
        Assert.Equal(Contrast(j), jigsaw.item<double>(), 1e-10);
        loss.backward();
        double[] ofQueries = queries.grad!.data<double>().ToArray(), ofJigsaws = jigsaws.grad!.data<double>().ToArray();
        for (int i = 0; i < q.Length; i++)
        {
            Assert.Equal((Transcribed(Moved(q, i, step), j) - Transcribed(Moved(q, i, -step), j)) / (2 * step), ofQueries[i], 1e-7);
            Assert.Equal((Transcribed(q, Moved(j, i, step)) - Transcribed(q, Moved(j, i, -step))) / (2 * step), ofJigsaws[i], 1e-7);
        }

        Tensor Rows(int count) => randn(count, dim, dtype: ScalarType.Float64);

        double Transcribed(double[] views, double[] pieces) => (1 - weight) * Contrast(views) + weight * Contrast(pieces);

        double Contrast(double[] rows)
        {
            double sum = 0;
            for (int i = 0; i < images; i++)
            {
                double own = Math.Exp(Cosine(rows, i, k, i) / temperature), all = own;
                for (int o = 0; o < size; o++)
                {
                    all += Math.Exp(Cosine(rows, i, n, o) / temperature);
                }

                sum -= Math.Log(own / all);
            }

            return sum / images;
        }

        static double Cosine(double[] rows, int i, double[] units, int o)
        {
            double dot = 0, length = 0;
            for (int d = 0; d < dim; d++)
            {
                dot += rows[i * dim + d] * units[o * dim + d];
                length += rows[i * dim + d] * rows[i * dim + d];
            }

            return dot / Math.Sqrt(length);
        }

        static double[] Moved(double[] values, int at, double by)
        {
            double[] moved = [.. values];
            moved[at] += by;
            return moved;
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_moves_resumes_to_the_bit_and_leaves_no_tensor(bool residual) =>
        MethodChecks.Hold(Small, Views, residual: residual, localSide: JigsawSide);

    /// <summary>Jigsaws of the views' own size come in their tensor, and are told from them.</summary>
    [Fact]
    public void A_jigsaw_of_the_views_size_is_found()
    {
        using var scope = NewDisposeScope();
        using TinyTraining run = new(Small, views: Views, localSide: JigsawSide);
        var (globals, jigsaws) = (rand(16, 3, 12, 12), rand(8, 3, 12, 12));
        Assert.Equal(LossOf([globals, jigsaws]), LossOf([cat([globals, jigsaws])]), 1e-6);

        double LossOf(Tensor[] crops)
        {
            manual_seed(5);
            return run.Method.Loss(new(crops, []), new(0, 0, run.Trainer.Plan)).item<float>();
        }
    }

    [Fact]
    public void Pieces_of_a_view_are_its_squares_row_by_row()
    {
        using var scope = NewDisposeScope();
        var views = rand(2, 3, 6, 6);
        var pieces = JigsawView.Split(views);
        Assert.Equal([18, 3, 2, 2], pieces.shape);
        for (int i = 0; i < 18; i++)
        {
            var expected = views[i % 2].narrow(1, i / 2 / 3 * 2, 2).narrow(2, i / 2 % 3 * 2, 2);
            Golden.AssertClose(expected, pieces[i], 0, $"piece {i}");
        }
    }

    /// <summary>The query of a jigsaw must not tell in which order its pieces were, but an image's pieces must stay together.</summary>
    [Fact]
    public void Pieces_are_shuffled_within_their_image()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        using JigsawHead head = new(4, new() { Layers = 1, OutputDim = 2, BatchNorm = false }, new BatchShare(ProcessGroup.Alone, 2));
        var features = stack([rand(9, 4), zeros(9, 4)], 1).flatten(0, 1); // [9 B, F]
        HashSet<string> seen = [];
        Tensor? second = null;
        for (int i = 0; i < 8; i++)
        {
            var output = head.Forward(features);
            seen.Add(string.Join(" ", output[0].data<float>().ToArray()));
            Golden.AssertClose(second ?? output[1], output[1], 1e-6, "the image whose pieces are all alike");
            second = output[1];
        }

        Assert.InRange(seen.Count, 7, 8);
    }

    /// <summary>Each piece comes from its own cell of a crop, at another place from image to image, with its colours as they were.</summary>
    [Fact]
    public void A_jigsaw_view_is_nine_pieces_of_a_crop()
    {
        const int piece = 8;
        Assert.Equal(255, JigsawView.CropSide(192));
        int cell = JigsawView.CropSide(3 * piece) / 3;
        Assert.Equal(11, cell);
        using PixelImage crop = new(3 * cell, 3 * cell);
        for (int i = 0; i < crop.Pixels.Length; i++)
        {
            crop.Pixels[i] = (byte)((i % 3) switch { 0 => i / 3 % crop.Width, 1 => i / 3 / crop.Width, _ => 7 });
        }

        HashSet<(int, int)> places = [];
        for (int index = 0; index < 20; index++)
        {
            SampleRandom random = new(1, 0, index, 2);
            using PixelImage view = new(3 * piece, 3 * piece);
            JigsawView.Cut(crop, view, ref random);
            for (int i = 0; i < 9; i++)
            {
                int corner = (i / 3 * piece * view.Width + i % 3 * piece) * 3, last = corner + ((piece - 1) * view.Width + piece - 1) * 3;
                int left = view.Pixels[corner], top = view.Pixels[corner + 1];
                Assert.InRange(left, i % 3 * cell, i % 3 * cell + cell - piece);
                Assert.InRange(top, i / 3 * cell, i / 3 * cell + cell - piece);
                Assert.Equal((left + piece - 1, top + piece - 1), (view.Pixels[last], view.Pixels[last + 1]));
                places.Add((left - i % 3 * cell, top - i / 3 * cell));
            }
        }

        Assert.Equal(16, places.Count);
    }

    [Fact]
    public void The_recipe_makes_two_changed_views_and_a_plain_jigsaw()
    {
        using var image = ImageDecoder.Decode(TestFolder.Png(3, 50, 40), "noise");
        var views = Views with { GlobalSize = 32, LocalSize = 24, LocalScale = new(0.6, 1) };
        var recipe = Small.Recipe(views);
        Assert.Equal((3, 32, 32, 24), (recipe.ViewCount, recipe.SizeOf(0), recipe.SizeOf(1), recipe.SizeOf(2)));
        int augmented = 0;
        for (int index = 0; index < 10; index++)
        {
            SampleRandom random = new(2, 0, index, 2), same = new(2, 0, index, 2), global = new(2, 0, index, 1), plain = new(2, 0, index, 1);
            using var jigsaw = recipe.Make(image, 2, ref random);
            using var crop = new RandomCropRecipe(new() { Size = 33, Scale = new(0.6, 1), Bicubic = true }).Make(image, 0, ref same);
            using PixelImage expected = new(24, 24);
            JigsawView.Cut(crop, expected, ref same);
            Assert.True(expected.Pixels.SequenceEqual(jigsaw.Pixels));
            using var view = recipe.Make(image, 1, ref global);
            using var unaugmented = new MultiCropRecipe(views).Make(image, 1, ref plain);
            augmented += view.Pixels.SequenceEqual(unaugmented.Pixels) ? 0 : 1;
        }

        Assert.InRange(augmented, 3, 10);
    }

    [Fact]
    public void Collapse_is_diagnosed() => CollapseChecks.Hold(Small, "--key-momentum", Views, JigsawSide);

    [Fact]
    public void Outputs_that_are_all_alike_are_measured() => CollapseChecks.MeasuresSpread(Small, Views, JigsawSide);

    public static TheoryData<InfoMinOptions, string> Bad => new()
    {
        { Small with { QueueSize = 0 }, "queue" },
        { Small with { JigsawWeight = 1.5 }, "1.5" },
        { Small with { JigsawWeight = double.NaN }, "NaN" },
        { Small with { Temperature = 0 }, "temperature" },
        { Small with { RandAugmentMagnitude = 99 }, "99" },
        { Small with { RandAugmentOperations = -1 }, "-1" },
        { Small with { ProjectionDim = 0 }, "at least 1" },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void Bad_options_are_refused_in_one_line(InfoMinOptions options, string says)
    {
        var fault = Assert.Throws<ArgumentException>(options.Validate);
        Assert.Contains(says, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault.Message);
    }

    [Theory]
    [InlineData(0, 12, "1 local one")]
    [InlineData(2, 12, "1 local one")]
    [InlineData(1, 13, "--local-crops-size")]
    [InlineData(1, 3, "--local-crops-size")]
    public void Views_that_make_no_jigsaw_are_refused(int count, int side, string says)
    {
        var fault = Assert.Throws<ArgumentException>(() => new TinyTraining(Small, views: Views with { LocalCount = count }, localSide: side));
        Assert.Contains(says, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Published_settings_are_the_papers()
    {
        var (method, training, views) = new InfoMinDefinition().Published(transformer: false);
        Assert.Equal(
            new InfoMinOptions
            {
                QueueSize = 65536,
                KeyMomentum = 0.999,
                Temperature = 0.15,
                JigsawWeight = 0.5,
                HiddenDim = 2048,
                ProjectionDim = 128,
                NormGroups = 8,
                RandAugmentOperations = 2,
                RandAugmentMagnitude = 10,
            },
            method);
        Assert.Equal((OptimizerKind.Sgd, 200, 256, 0.03, 1e-4), (
            training.Optimizer, training.Epochs, training.BatchSize, training.ScaledLearningRate, training.WeightDecay));
        Assert.Equal((0.8, 0.8, 0.8, 0.8, 0.2), (views.JitterProbability, views.Brightness, views.Contrast, views.Saturation, views.Hue));
        Assert.Equal((0.2, 0.5, 0.5, 0), (
            views.GrayscaleProbability, views.FirstGlobalBlurProbability, views.SecondGlobalBlurProbability, views.SolarizeProbability));
        Assert.Equal((0.2, 1, 1, 192, 0.6, 1), (
            views.GlobalScale.Low, views.GlobalScale.High, views.LocalCount, views.LocalSize, views.LocalScale.Low, views.LocalScale.High));
        Assert.Equal(3, method.Recipe(views).ViewCount);
    }

    [Fact]
    public void Small_images_make_small_pieces()
    {
        var fitting = new Fitting(new(Images: 50_000, ImageSide: 32, BatchSize: 256, Steps: 20_000, Transformer: false));
        var fitted = new InfoMinDefinition().Fitted(new InfoMinDefinition().Published(transformer: false), fitting);
        Assert.Equal(27, new InfoMinDefinition().LocalSize(32));
        Assert.Equal(fitted.Views.LocalSize, new InfoMinDefinition().LocalSize(fitted.Views.GlobalSize));
        Assert.Equal(12288, ((InfoMinOptions)fitted.Method).QueueSize);
        Assert.Equal(36, JigsawView.CropSide(27));
    }
}
