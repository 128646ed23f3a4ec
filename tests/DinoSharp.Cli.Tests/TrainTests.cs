using System.Globalization;
using DinoSharp.Imaging;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

/// <summary>A first training, from images to a run folder.</summary>
public sealed class TrainTests
{
    [Fact]
    public void A_training_leaves_its_run_folder_and_tells_people_and_programs_what_it_did()
    {
        using TestFolder folder = new();
        string data = TinyTraining.WriteImages(folder, 12), run = Path.Combine(folder.Path, "runs/first");
        string[] arguments = TinyTraining.Arguments(data, run, 4, "--knn-every", "2", "--keep-every", "2", "--log-every", "2", "--json");
        var result = Dino.Run(arguments).Succeeded();

        Assert.Equal(
            (run, true, 12L, 12L, TinyTraining.Latest(run), 0),
            ((string)result.Json["run"]!, (bool)result.Json["finished"]!, (long)result.Json["steps_done"]!, (long)result.Json["steps"]!,
                (string)result.Json["checkpoint"]!, (int)result.Json["unusable_images"]!));
        string last = result.Error.Split('\n').Last(line => line.StartsWith('['));
        Assert.Matches(@"^\[=+\] 100 %  epoch 4/4  [0-9.]+ im/s  waits [0-9]+ %  loss ", last);
        Assert.All(TinyTraining.Steps(run), line => Assert.InRange((double)line["loader_wait_share"]!, 0, 1));
        Assert.Equal(3, result.Error.Split("k-NN top-1").Length - 1); // before the training, and twice in it

        // Every second step, and the end of each epoch of three.
        Assert.Equal([2, 3, 4, 6, 8, 9, 10, 12], TinyTraining.Steps(run).Select(line => (int)line["step"]!));
        Assert.Equal([0, 6, 12], TinyTraining.Metrics(run).Where(line => line.ContainsKey("knn_top1")).Select(line => (int)line["step"]!));
        Assert.Equal(
            ["best.pth", "epoch-0002.pth", "epoch-0004.pth", "latest.pth"],
            Directory.EnumerateFiles(Path.Combine(run, "checkpoints")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        string report = File.ReadAllText((string)result.Json["report"]!);
        Assert.All(
            ["<polyline", "k-NN top-1 during training", "Nearest neighbours", "Attention"],
            part => Assert.Contains(part, report, StringComparison.Ordinal));
    }

    [Fact]
    public void The_number_of_loading_threads_changes_no_bit()
    {
        using TestFolder folder = new();
        string data = TinyTraining.WriteImages(folder, 12);
        string one = Path.Combine(folder.Path, "one"), many = Path.Combine(folder.Path, "many");
        Dino.Run(TinyTraining.Arguments(data, one, 3, "--threads", "1")).Succeeded();
        Dino.Run(TinyTraining.Arguments(data, many, 3, "--threads", "5")).Succeeded();
        Assert.Equal(File.ReadAllBytes(TinyTraining.Latest(one)), File.ReadAllBytes(TinyTraining.Latest(many)));
    }

    [Fact]
    public void A_flat_folder_of_all_varieties_of_image_files_is_learnt_from()
    {
        using TestFolder folder = new();
        string run = Path.Combine(folder.Path, "run"), images = TestFolder.Fixture("images");
        string all = Directory.EnumerateFiles(images).Count().ToString(CultureInfo.InvariantCulture);
        var result = Dino.Run(TinyTraining.Arguments(images, run, 3, "--batch-size", all)).Succeeded();
        Assert.DoesNotContain("could not be used", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Varieties_of_image_files_are_read_as_Pillow_reads_them()
    {
        // JPEG and WebP decoders round differently; all else is exact.
        const double rounding = 1.5;
        foreach (var file in Golden.Json("mean-colours.json").EnumerateObject())
        {
            using var image = ImageDecoder.Load(Path.Combine(TestFolder.Fixture("images"), file.Name));
            for (int c = 0; c < 3; c++)
            {
                double sum = 0;
                for (int i = c; i < image.Pixels.Length; i += 3)
                {
                    sum += image.Pixels[i];
                }

                double expected = file.Value[c].GetDouble(), actual = sum * 3 / image.Pixels.Length;
                Assert.True(Math.Abs(expected - actual) < rounding, $"{file.Name}: channel {c} is {actual:F2}, with Pillow {expected:F2}");
            }
        }
    }

    [Fact]
    public void Settings_that_hardly_make_a_good_training_are_told_of_before_it_starts()
    {
        using TestFolder folder = new();
        string data = TinyTraining.WriteImages(folder, 4), run = Path.Combine(folder.Path, "run");
        string output = Dino.Run(TinyTraining.Arguments(data, run, 1, "--out-dim", "8192", "--warmup-epochs", "1")).Succeeded().Output;
        Assert.Equal(3, output.Split('\n').Count(line => line.StartsWith("advice: ", StringComparison.Ordinal)));
        Assert.Contains("8,192 outputs are many for 4 images", output, StringComparison.Ordinal);
        Assert.Contains("--freeze-last-layer", output, StringComparison.Ordinal);
        Assert.Contains("--warmup-epochs", output, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_network_would_see_is_drawn_without_a_run()
    {
        using TestFolder folder = new();
        string data = TinyTraining.WriteImages(folder, 3), sheet = Path.Combine(folder.Path, "sheet.png");
        Dino.Run("train", "--data", data, "--preview-views", sheet, "--published").Succeeded();
        using (var drawn = ImageDecoder.Load(sheet))
        {
            Assert.InRange(drawn.Height, 3 * 224, 3 * 240);
        }

        Dino.Run("train", "--data", data, "--preview-views", sheet).Succeeded();
        using (var fitted = ImageDecoder.Load(sheet))
        {
            Assert.InRange(fitted.Height, 3 * 36, 3 * 100); // the images have 36 rows
        }

        Dino.Run("train", "--data", data, "--preview-views", Path.Combine(folder.Path, "nowhere/sheet.png"))
            .Failed(2, "nowhere/sheet.png", "a folder that is there");
    }
}
