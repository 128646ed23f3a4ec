using System.Diagnostics;
using System.Globalization;
using DinoSharp.Checkpoints;
using DinoSharp.Imaging;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

/// <summary>Several processes that train together compute what one process computes, through the command line and a real mpirun.</summary>
public sealed class SharedTrainingTests
{
    private const int Images = 18;

    private static readonly string[] Common =
    [
        "--global-crops-size", "32", "--log-every", "1", "--threads", "1", "--optimizer", "sgd", "--lr", "0.000001", "--min-lr", "0",
        "--warmup-epochs", "0", "--precision", "float32",
    ];

    private static readonly string[] Transformer =
        ["--arch", "vit_tiny", "--embed-dim", "24", "--depth", "2", "--num-heads", "3", "--patch-size", "8"];

    private static readonly string[] Residual = ["--arch", "resnet18", "--resnet-width", "8", "--small-stem"];

    /// <summary>Each method on the network on which most can go wrong: batch norms, or stochastic depth.</summary>
    [Theory]
    [InlineData("dino", "resnet18", "--local-crops-number 2 --local-crops-size 16 --out-dim 32 --head-hidden-dim 16 --use-bn-in-head true")]
    [InlineData("dino", "vit_tiny", "--local-crops-number 2 --local-crops-size 16 --out-dim 32 --head-hidden-dim 16 --drop-path-rate 0.3")]
    [InlineData("byol", "resnet18", "--hidden-dim 16 --projection-dim 8")]
    [InlineData("simclr", "resnet18", "--hidden-dim 16 --projection-dim 8")]
    [InlineData("moco-v2", "resnet18", "--queue-size 16 --norm-groups 4 --projection-dim 8")]
    [InlineData("moco-v3", "vit_tiny", "--hidden-dim 16 --projection-dim 8")]
    [InlineData("infomin", "resnet18", "--queue-size 16 --norm-groups 2 --projection-dim 8 --local-crops-size 48")]
    [InlineData("infomin", "vit_tiny", "--queue-size 16 --projection-dim 8 --local-crops-size 48 --drop-path-rate 0.3")]
    [InlineData("barlow-twins", "resnet18", "--hidden-dim 16 --projection-dim 8")]
    [InlineData("swav", "resnet18", "--local-crops-number 2 --local-crops-size 16 --hidden-dim 16 --projection-dim 8 --prototypes 6 --feature-queue 8 --feature-queue-epoch 1")]
    [InlineData("deepcluster-v2", "resnet18", "--local-crops-number 2 --local-crops-size 16 --hidden-dim 16 --projection-dim 8 --prototypes 4")]
    [InlineData("obow", "resnet18", "--local-crops-number 2 --local-crops-size 16 --visual-words 16")]
    [InlineData("instance", "resnet18", "--hidden-dim 16 --projection-dim 8")]
    [InlineData("instance-memory", "resnet18", "--projection-dim 8 --negatives 5")]
    [InlineData("instance-memory", "resnet18", "--projection-dim 8 --negatives 0")]
    [InlineData("supervised", "resnet18", "--mixup-alpha 0.8 --dropout 0.3 --repeats 2")]
    public void Two_processes_compute_what_one_does(string method, string network, string options)
    {
        using TestFolder folder = new();
        string[] command = Command(folder, method, network, options);
        string one = Path.Combine(folder.Path, "one"), two = Path.Combine(folder.Path, "two");
        Dino.Run([.. command, "--out", one]).Succeeded();
        Dino.RunRanks(2, [.. command, "--out", two]).Succeeded();
        // Where each process has norm groups of its own, so are its running statistics, which no step reads.
        AssertSame(one, two, options.Contains("--norm-groups", StringComparison.Ordinal) ? ["running_", "num_batches_tracked"] : []);
    }

    /// <summary>
    /// With blocks large enough to fill buckets, whose gradients travel during the backward pass: of one pass for all crops, of a pass for each
    /// size of crops, of blocks that are computed again, and with gradients of an earlier part of the
    /// batch, of which processes have other images than parts of one process: what depends on the part, as stochastic depth does, is left out.
    /// </summary>
    [Theory]
    [InlineData("--arch vit_tiny --embed-dim 192 --depth 4 --num-heads 3 --patch-size 8 --drop-path-rate 0.3")]
    [InlineData("--arch vit_tiny --embed-dim 192 --depth 4 --num-heads 3 --patch-size 8 --drop-path-rate 0 --accumulation-steps 2 --checkpoint-activations")]
    [InlineData("--arch resnet18 --resnet-width 32 --small-stem")]
    [InlineData("--arch resnet18 --resnet-width 32 --small-stem --checkpoint-activations")]
    public void Gradients_that_travel_early_are_those_of_one_process(string network)
    {
        using TestFolder folder = new();
        string one = Path.Combine(folder.Path, "one"), two = Path.Combine(folder.Path, "two");
        string[] command =
        [
            "train", "--data", Waves(folder), "--batch-size", "8", "--epochs", "2", "--local-crops-number", "2", "--local-crops-size", "16",
            "--out-dim", "32", "--head-hidden-dim", "16", .. Common, .. network.Split(' '),
        ];
        Dino.Run([.. command, "--out", one]).Succeeded();
        string said = Dino.RunRanks(2, [.. command, "--out", two]).Succeeded().Output;
        AssertSame(one, two);

        // Each step exchanges the gradients of all parameters, once, and not much beside them.
        Assert.All(TinyTraining.Steps(one), line => Assert.False(line.ContainsKey("exchanged_bytes_per_step")));
        Assert.Matches("images a second; .* of the time went in waiting for images [(]medians", Report(one));
        Assert.Matches("in waiting for other processes, from which each had [0-9.]+ MB a step [(]medians", Report(two));
        double parameters = sizeof(float) * Arrays(two).Where(entry => entry.Key.StartsWith("/student/", StringComparison.Ordinal)
            && !entry.Key.Contains("running_", StringComparison.Ordinal)).Sum(entry => entry.Value.Count);
        Assert.All(TinyTraining.Steps(two), line =>
        {
            Assert.InRange((double)line["exchanged_bytes_per_step"]!, 0.98 * parameters, 1.1 * parameters);
            Assert.InRange((double)line["rank_wait_share"]!, 0.0001, 1);
        });
        Assert.Contains(", for other ranks ", said, StringComparison.Ordinal);
    }

    /// <summary>The state belongs to no rank: what two began, one goes on with, and three end.</summary>
    [Fact]
    public void A_run_goes_on_with_another_number_of_processes()
    {
        using TestFolder folder = new();
        string[] command =
        [
            .. Command(folder, "simclr", "resnet18", "--hidden-dim 16 --projection-dim 8", batch: 6, epochs: 40), "--save-minutes", "0",
        ];
        string straight = Path.Combine(folder.Path, "straight"), changed = Path.Combine(folder.Path, "changed");
        Dino.Run([.. command, "--out", straight]).Succeeded();
        using (var started = Dino.StartRanks(2, [.. command, "--out", changed]))
        {
            TinyTraining.AwaitSteps(started, changed, 4);
            Process.Start("kill", ["-USR1", started.Id.ToString(CultureInfo.InvariantCulture)]).WaitForExit();
            Assert.True(started.WaitForExit(TimeSpan.FromSeconds(30)));
        }

        Assert.InRange(TinyTraining.Steps(changed).Length, 4, 119);
        Dino.RunRanks(3, [.. command, "--out", changed]).Succeeded();
        AssertSame(straight, changed);
    }

    [Fact]
    public void A_batch_that_cannot_be_shared_is_refused()
    {
        using TestFolder folder = new();
        string[] command = Command(folder, "simclr", "resnet18", "--hidden-dim 16 --projection-dim 8");
        var result = Dino.RunRanks(3, [.. command, "--out", Path.Combine(folder.Path, "run")]);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("8 images does not go into 3", result.Error, StringComparison.Ordinal);
    }

    private static string[] Command(TestFolder folder, string method, string network, string options, int batch = 8, int epochs = 3) =>
    [
        "train", "--method", method, "--data", Waves(folder), "--batch-size", $"{batch}", "--epochs", $"{epochs}",
        .. Common, .. network == "resnet18" ? Residual : Transformer, .. options.Split(' '),
    ];

    private static string Report(string run) => File.ReadAllText(Path.Combine(run, "report.html"));

    /// <summary>Images in two classes, as different from one another as can be: of like ones, batch norms make much of rounding.</summary>
    private static string Waves(TestFolder folder)
    {
        var random = new Random(3);
        for (int i = 0; i < Images; i++)
        {
            using PixelImage image = new(40, 36);
            double[] level = [.. Enumerable.Range(0, 3).Select(_ => random.NextDouble() * 160 + 48)];
            double[] swing = [.. Enumerable.Range(0, 3).Select(_ => random.NextDouble() * 160 - 80)];
            double across = random.NextDouble() * 0.8, down = random.NextDouble() * 0.8;
            for (int at = 0; at < image.Pixels.Length; at++)
            {
                int channel = at % 3, x = at / 3 % image.Width, y = at / 3 / image.Width;
                double value = level[channel] + swing[channel] * Math.Sin(across * x + down * y + channel) + random.Next(-10, 11);
                image.Pixels[at] = (byte)Math.Clamp(value, 0, 255);
            }

            folder.Write($"data/{(i % 2 == 0 ? "even" : "odd")}/{i:D3}.png", PngWriter.Encode(image));
        }

        return Path.Combine(folder.Path, "data");
    }

    /// <summary>
    /// All that a checkpoint has, tensor by tensor, the length of the difference against the tensor's own and a little of the longest. Weights
    /// hardly move in so few small steps; it is the optimizer's momentum, the sum of the gradients, that shows a wrong one. Batch norms of an
    /// untrained network make much of float32's rounding, up to a hundredth; an average over the wrong images is off by far more.
    /// </summary>
    private static void AssertSame(string expected, string actual, params string[] unlike)
    {
        var (one, two) = (Arrays(expected), Arrays(actual));
        Assert.Equal(one.Keys, two.Keys);
        double longest = one.Where(entry => entry.Key.StartsWith("/optimizer", StringComparison.Ordinal)).Max(entry => Length(entry.Value.ToFloat32()));
        foreach (string name in one.Keys.Where(name => !unlike.Any(part => name.Contains(part, StringComparison.Ordinal))))
        {
            float[] x = one[name].ToFloat32(), y = two[name].ToFloat32();
            double length = Length(x), apart = Length([.. x.Zip(y, (a, b) => a - b)]);
            bool ofOptimizer = name.StartsWith("/optimizer", StringComparison.Ordinal);
            Assert.True(apart <= 0.02 * length + (ofOptimizer ? 1e-4 * longest : 1e-6), $"{name}: {apart} apart, of length {length}");
        }

        static double Length(float[] values) => Math.Sqrt(values.Sum(value => (double)value * value));
    }

    private static SortedDictionary<string, ArrayData> Arrays(string run)
    {
        SortedDictionary<string, ArrayData> arrays = new(StringComparer.Ordinal);
        Collect("", TorchFile.Read(TinyTraining.Latest(run)));
        return arrays;

        void Collect(string path, object? value)
        {
            if (value is ArrayData { Count: > 0 } array)
            {
                arrays.Add(path, array);
            }
            else if (value is OrderedDictionary<object, object?> entries)
            {
                foreach (var (name, entry) in entries)
                {
                    Collect($"{path}/{name}", entry);
                }
            }
        }
    }
}
