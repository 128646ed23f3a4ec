using DinoSharp.Data;
using DinoSharp.Distributed;
using DinoSharp.Methods.Obow;
using DinoSharp.Models.Backbones;
using DinoSharp.Tests;
using DinoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests.Obow;

public sealed class ObowTests
{
    private static readonly BatchShare Alone = new(ProcessGroup.Alone, 1);
    private static readonly ObowOptions Small = new() { VisualWords = 12, TeacherMomentum = 0.9, WeakViewSize = 10 };
    private static readonly MultiCropOptions MultiCrop = new() { LocalCount = 2 };

    [Theory]
    [InlineData(false, 10)]
    [InlineData(true, 10)]
    [InlineData(false, 0)] // the teacher's view in one tensor with the global crops
    public void It_moves_resumes_to_the_bit_and_leaves_no_tensor(bool residual, int weak) =>
        MethodChecks.Hold(Small with { WeakViewSize = weak }, MultiCrop, residual);

    /// <summary>Targets, from a vocabulary and maps, against plain loops in float64.</summary>
    [Fact]
    public void Bags_of_words_are_those_of_plain_loops()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        var maps = rand(2, 4, 5, 6);
        using Vocabulary vocabulary = new(7, 4, sharpness: 15, Alone, CPU);
        using (no_grad())
        {
            vocabulary.Words.copy_(rand(7, 4));
        }

        var bags = vocabulary.Read(maps);
        var nearest = new List<double>();
        var places = new List<double[]>[] { [], [] };
        for (int image = 0; image < 2; image++)
        {
            for (int row = 1; row < 4; row++) // without the border
            {
                for (int column = 1; column < 5; column++)
                {
                    double[] distances = [.. Enumerable.Range(0, 7).Select(word => Enumerable.Range(0, 4).Sum(c =>
                        Math.Pow((double)maps[image, c, row, column].item<float>() - vocabulary.Words[word, c].item<float>(), 2)))];
                    nearest.Add(distances.Min());
                    places[image].Add(distances);
                }
            }
        }

        double mean = 0.99 * 0.5 + 0.01 * nearest.Average();
        Assert.Equal(0.5, vocabulary.Distance.item<float>()); // moves when the step is done
        vocabulary.Commit(before: 0);
        Assert.Equal(mean, vocabulary.Distance.item<float>(), 1e-6);
        for (int image = 0; image < 2; image++)
        {
            var codes = places[image].Select(distances =>
            {
                double[] weights = [.. distances.Select(d => Math.Exp(-15 / mean * d))];
                return weights.Select(w => w / weights.Sum()).ToArray();
            }).ToList();
            double[] strongest = [.. Enumerable.Range(0, 7).Select(word => codes.Max(code => code[word]))];
            for (int word = 0; word < 7; word++)
            {
                Assert.Equal(strongest[word] / strongest.Sum(), bags[image, word].item<float>(), 1e-5);
            }
        }
    }

    [Fact]
    public void Loss_and_gradients_are_those_of_plain_loops()
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        var features = randn([3, 2, 4], float64); // [V, B, D]
        Tensor[] weights = [randn([5, 4], float64), randn([6, 4], float64)];
        Tensor[] targets = [rand([2, 5], float64).softmax(1), rand([2, 6], float64).softmax(1)];
        var moving = features.clone().requires_grad_();
        var words = weights.Select(w => w.clone().requires_grad_()).ToArray();
        var loss = ObowLoss.Of(moving, words, targets, 2.5);
        loss.backward();
        Assert.Equal(Transcribed(features, weights[1]), loss.item<double>(), 1e-12);

        const double step = 1e-5;
        double Slope(Func<double, double> at) => (at(step) - at(-step)) / (2 * step);
        Assert.Equal(Slope(h => Transcribed(Changed(features, h, 1, 1, 3), weights[1])), moving.grad![1, 1, 3].item<double>(), 1e-7);
        Assert.Equal(Slope(h => Transcribed(features, Changed(weights[1], h, 4, 2))), words[1].grad![4, 2].item<double>(), 1e-7);
        Assert.True(moving.grad!.abs().max().item<double>() > 1e-3);

        static Tensor Changed(Tensor values, double change, params long[] place)
        {
            var changed = values.clone();
            changed.index_put_(changed[[.. place.Select(i => TensorIndex.Single(i))]] + change, [.. place.Select(i => TensorIndex.Single(i))]);
            return changed;
        }

        double Transcribed(Tensor rows, Tensor lastWords)
        {
            double sum = 0;
            foreach (var (level, levelWords) in ((int, Tensor)[])[(0, weights[0]), (1, lastWords)])
            {
                int count = (int)levelWords.size(0);
                for (int v = 0; v < 3; v++)
                {
                    for (int b = 0; b < 2; b++)
                    {
                        double[] logits = [.. Enumerable.Range(0, count).Select(k => 2.5 * Enumerable.Range(0, 4)
                            .Sum(d => rows[v, b, d].item<double>() * levelWords[k, d].item<double>()))];
                        double normaliser = Math.Log(logits.Sum(Math.Exp));
                        sum -= Enumerable.Range(0, count).Sum(k => targets[level][b, k].item<double>() * (logits[k] - normaliser)) / (2 * 3 * 2);
                    }
                }
            }

            return sum;
        }
    }

    /// <summary>A word is a mean over 3 x 3 places: on a map whose value is its place, one of four middles; all of them come.</summary>
    [Fact]
    public void New_words_are_means_of_windows_drawn_by_chance()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        var maps = arange(16, ScalarType.Float32).view(1, 1, 4, 4).expand(200, 1, 4, 4).contiguous();
        float[] words = BagOfWords.NewWords(maps, Alone).data<float>().ToArray();
        Assert.Equal([5f, 6f, 9f, 10f], words.Select(word => MathF.Round(word)).Distinct().Order());
        var tiny = rand(2, 3, 2, 1); // smaller than a window: its mean
        Golden.AssertClose(tiny.mean([2L, 3L]), BagOfWords.NewWords(tiny, Alone), 1e-6, "mean of all places");
    }

    [Theory]
    [InlineData(4, 4)]
    [InlineData(5, 3)]
    public void The_border_is_left_out_where_a_window_is_left(int side, int expected)
    {
        using var scope = NewDisposeScope();
        Assert.Equal([1, 2, expected, expected], BagOfWords.WithoutBorder(rand(1, 2, side, side)).shape);
    }

    /// <summary>Bags of many images are made in parts; they are the same as one by one.</summary>
    [Fact]
    public void Parts_give_what_the_whole_gives()
    {
        using var scope = NewDisposeScope();
        manual_seed(4);
        var distances = rand(5, 100, 100_000); // 10 million an image: three at a time
        var temperature = tensor(30f);
        var bags = BagOfWords.Of(distances, temperature);
        for (int image = 0; image < 5; image++)
        {
            Golden.AssertClose(BagOfWords.Of(distances.narrow(0, image, 1), temperature), bags.narrow(0, image, 1), 1e-9, $"image {image}");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_step_renews_the_oldest_words_and_moves_the_teacher(bool residual)
    {
        using var scope = NewDisposeScope();
        using TinyTraining run = new(Small, views: MultiCrop, residual: residual);
        var before = run.Snapshot();
        run.TrainTo(1);
        var after = run.Snapshot();
        run.TrainTo(2);
        var later = run.Snapshot();
        foreach (string level in (string[])["vocabulary0", "vocabulary1"])
        {
            var first = after[$"{level}.words"].ne(before[$"{level}.words"]).any(1).data<bool>().ToArray();
            var second = later[$"{level}.words"].ne(after[$"{level}.words"]).any(1).data<bool>().ToArray();
            Assert.Equal(Enumerable.Range(0, 12).Select(i => i < 8), first);
            Assert.Equal(Enumerable.Range(0, 12).Select(i => i is >= 8 or < 4), second);
        }

        double momentum = 1 - (1 - 0.9) * 0.5 * (1 + Math.Cos(Math.PI * 1 / 12)); // of step 1 of 12
        foreach (var (name, _) in run.Method.Backbone.named_parameters())
        {
            var expected = momentum * after[$"teacher.{name}"] + (1 - momentum) * later[$"student.{name}"];
            Golden.AssertClose(expected, later[$"teacher.{name}"], 1e-6, name);
        }
    }

    /// <summary>The whole step's loss from the networks as they stand; crops of one kind are averaged, then the kinds added.</summary>
    [Theory]
    [InlineData(10)]
    [InlineData(0)]
    public void A_steps_loss_adds_the_kinds_of_crops(int weak)
    {
        using var scope = NewDisposeScope();
        using TinyTraining run = new(Small with { WeakViewSize = weak }, views: MultiCrop);
        run.TrainTo(3);
        var step = run.Trainer.Plan.StepAfter(3);
        using var batches = run.Epoch(0, 3).GetEnumerator();
        batches.MoveNext();
        var views = batches.Current.Crops.SelectMany(crops => crops.split(8)).ToArray(); // weak, 2 global, 2 local
        Assert.Equal(5, views.Length);
        double actual = run.Method.Loss(batches.Current, step).item<float>();
        run.Method.AbandonStep();

        var parts = run.Method.Trained.named_children().ToDictionary(c => c.name, c => c.module);
        var student = (VisionTransformer)parts["student"];
        var snapshot = run.Snapshot();
        VisionTransformer teacher = new(student.Options);
        using (no_grad())
        {
            foreach (var (name, value) in teacher.state_dict())
            {
                value.copy_(snapshot[$"teacher.{name}"]);
            }
        }

        var tokens = teacher.IntermediateLayers(views[0], 2); // blocks 1 and 2 of 2
        double expected = 0;
        for (int level = 0; level < 2; level++)
        {
            var words = snapshot[$"vocabulary{level}.words"];
            long side = (long)Math.Sqrt(tokens[level].size(1) - 1);
            var map = tokens[level].narrow(1, 1, side * side).view(8, side, side, 16);
            map = side < 5 ? map : map.narrow(1, 1, side - 2).narrow(2, 1, side - 2);
            var distances = (map.reshape(8, -1, 1, 16) - words).square().sum([3L]); // [B, N, K]
            double mean = 0.99 * snapshot[$"vocabulary{level}.distance"].item<float>() + 0.01 * distances.amin([2L]).mean().item<float>();
            var bags = (distances * (-15 / mean)).softmax(2).amax([1L]);
            bags = bags / bags.sum([1L], keepdim: true);
            var generator = (nn.Module<Tensor, Tensor>)parts[$"generator{level}"];
            var weights = nn.functional.normalize(generator.forward(nn.functional.normalize(words, dim: 1)), dim: 1);
            foreach (var view in views.Skip(1))
            {
                var logs = (8 * student.forward(view).mm(weights.t())).log_softmax(1);
                expected -= (bags * logs).sum([1L]).mean().item<float>() / 2 / 2; // 2 levels; 2 crops of each kind
            }
        }

        Assert.Equal(expected, actual, 1e-4);
    }

    [Fact]
    public void Collapse_is_measured_and_told_with_what_helps()
    {
        using var scope = NewDisposeScope();
        using TinyTraining run = new(Small, views: MultiCrop);
        using (no_grad())
        {
            foreach (var (_, tensor) in run.Method.State.Single(s => s.Name == "teacher").Tensors)
            {
                tensor.zero_(); // the same features at all places of all images
            }
        }

        using var batches = run.Epoch(0, 0).GetEnumerator();
        batches.MoveNext();
        run.Method.Loss(batches.Current, run.Trainer.Plan.StepAfter(0));
        var metrics = run.Method.TakeMetrics();
        Assert.Contains("--word-sharpness", run.Method.Diagnose(metrics, new(400, 5, run.Trainer.Plan)), StringComparison.Ordinal);
        Assert.Null(run.Method.Diagnose(metrics, new(100, 5, run.Trainer.Plan)));
        run.Method.AbandonStep();

        using TinyTraining healthy = new(Small, views: MultiCrop, residual: true);
        healthy.TrainTo(2);
        Assert.Null(run.Method.Diagnose(healthy.Method.TakeMetrics(), new(400, 5, run.Trainer.Plan)));
    }

    [Fact]
    public void Bad_options_give_one_clear_line()
    {
        Refused(Small with { VisualWords = 1 }, "visual words");
        Refused(Small with { WordSharpness = 0 }, "sharpness");
        Refused(Small with { PredictionScale = double.NaN }, "scale");
        Refused(Small with { TeacherMomentum = 1.5 }, "momentum");
        Refused(Small with { WeakViewSize = -1 }, "pixels");
        Refused(Small with { VisualWords = 7 }, "7 visual words are renewed by each batch of 8 images: raise --visual-words");

        static void Refused(ObowOptions options, string expected)
        {
            var error = Assert.Throws<ArgumentException>(() => new TinyTraining(options, views: MultiCrop));
            Assert.Contains(expected, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', error.Message);
        }
    }

    [Fact]
    public void Settings_fit_a_small_training()
    {
        var definition = MethodCatalogue.Named("obow");
        var published = definition.Published(transformer: false);
        var fitting = new Fitting(new(Images: 50_000, ImageSide: 32, BatchSize: 256, Steps: 20_000, Transformer: false));
        var options = (ObowOptions)definition.Fitted(published, fitting).Method;
        Assert.Equal((2500, 0), (options.VisualWords, options.WeakViewSize));
        Assert.Contains(fitting.Reasons, reason => reason.StartsWith("--visual-words 2500 in place of 8192", StringComparison.Ordinal));
        Assert.Equal(published, definition.Fitted(published, new Fitting(new(1_281_167, 400, 256, 1_000_000, Transformer: false))));
    }
}
