using System.Text.Json;
using DinoSharp.Imaging;
using DinoSharp.Tests;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Data.Tests;

public class ViewTests
{
    private const JitterOperation Brightness = JitterOperation.Brightness, Contrast = JitterOperation.Contrast;
    private const JitterOperation Saturation = JitterOperation.Saturation, Hue = JitterOperation.Hue;

    [Fact]
    public void CropsAreDistributedAsTorchvisions()
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(TestFolder.Fixture("crop-statistics.json")));
        (int width, int height, int draws) = (500, 375, 20_000);
        foreach (JsonElement expected in json.RootElement.GetProperty("scales").EnumerateArray())
        {
            Interval scale = new(expected.GetProperty("scale")[0].GetDouble(), expected.GetProperty("scale")[1].GetDouble());
            Dictionary<string, List<double>> drawn = new()
            {
                ["area-fraction"] = [],
                ["log-aspect"] = [],
                ["relative-top"] = [],
                ["relative-left"] = [],
            };
            for (int i = 0; i < draws; i++)
            {
                SampleRandom random = new(1, 0, i, 0);
                CropBox box = RandomResizedCrop.Draw(ref random, width, height, scale, new(3.0 / 4, 4.0 / 3));
                drawn["area-fraction"].Add((double)box.Width * box.Height / (width * height));
                drawn["log-aspect"].Add(Math.Log((double)box.Width / box.Height));
                drawn["relative-top"].Add(box.Height < height ? (double)box.Top / (height - box.Height) : double.NaN);
                drawn["relative-left"].Add(box.Width < width ? (double)box.Left / (width - box.Width) : double.NaN);
            }

            foreach ((string name, List<double> values) in drawn)
            {
                AssertSameDistribution(expected.GetProperty(name), [.. values.Where(double.IsFinite).Order()], name);
            }
        }
    }

    [Theory]
    [InlineData(3000, 2, 0, 1498, 2, 3)]
    [InlineData(3, 1000, 498, 0, 4, 3)]
    public void OfAVeryLongImageTheCropIsInTheMiddle(int width, int height, int top, int left, int cropHeight, int cropWidth)
    {
        SampleRandom random = new(0, 0, 0, 0);
        CropBox box = RandomResizedCrop.Draw(ref random, width, height, new(0.4, 1), new(3.0 / 4, 4.0 / 3));
        Assert.Equal(new CropBox(top, left, cropHeight, cropWidth), box);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(1, 5000)]
    [InlineData(3000, 2)]
    [InlineData(4000, 3000)]
    public void ViewsAreMadeOfImagesOfAnySize(int width, int height)
    {
        using PixelImage image = new(width, height);
        image.Pixels.Fill(77);
        MultiCropRecipe recipe = new(new() { GlobalSize = 32, LocalSize = 16 });
        for (int view = 0; view < recipe.ViewCount; view++)
        {
            SampleRandom random = new(0, 0, 0, view);
            using PixelImage made = recipe.Make(image, view, ref random);
            Assert.Equal((recipe.SizeOf(view), recipe.SizeOf(view)), (made.Width, made.Height));
        }

        using PixelImage evaluated = new EvaluationRecipe(36, 32).Make(image);
        Assert.Equal(-1, evaluated.Pixels.IndexOfAnyExcept((byte)77));
    }

    [Fact]
    public void AVeryLongImageIsSquashedToo()
    {
        using PixelImage column = new(1, 600_000, channels: 1);
        column.Pixels.Fill(77);
        using PixelImage view = new SquashRecipe(EvaluationRecipe.MaxSize).Make(column);
        Assert.Equal(-1, view.Pixels.IndexOfAnyExcept((byte)77));
    }

    /// <summary>Saturation, hue and grey mean nothing without colours; all else happens as to an RGB image of three equal channels.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(7)]
    public void ViewsHaveTheChannelsOfTheImage(int channels)
    {
        using PixelImage image = new(60, 50, channels), grey = new(60, 50, channels: 1);
        new Random(0).NextBytes(grey.Pixels);
        for (int i = 0; i < image.Pixels.Length; i++)
        {
            image.Pixels[i] = grey.Pixels[i / channels];
        }

        MultiCropRecipe recipe = new(new() { GlobalSize = 32, LocalSize = 16, JitterProbability = 1, SolarizeProbability = 1 });
        JitterOperation[] order = [Hue, Brightness, Saturation, Contrast];
        JitterParameters jitter = new(1.2f, 0.8f, 0.9f, 0.05f, order);
        ViewParameters chosen = new(new CropBox(3, 4, 40, 30), Flip: true, jitter, Grayscale: true, BlurRadius: 1.1f, Solarize: true);
        using PixelImage byHand = new(24, 24, channels: 1), view = new(24, 24, channels);
        Resampler.Resize(grey, chosen.Box, byHand, ResampleFilter.Bicubic, mirror: true);
        ColorJitter.Brightness(byHand, 1.2f);
        ColorJitter.Contrast(byHand, 0.8f);
        GaussianBlur.Apply(byHand, 1.1f);
        PixelOperations.Solarize(byHand);
        chosen.Apply(image, view);
        for (int i = 0; i < view.Pixels.Length; i++)
        {
            Assert.Equal(byHand.Pixels[i / channels], view.Pixels[i]);
        }

        for (int number = 0; number < recipe.ViewCount; number++)
        {
            SampleRandom random = new(0, 0, 0, number);
            using PixelImage made = recipe.Make(image, number, ref random);
            Assert.Equal(channels, made.Channels);
        }

        using PixelImage evaluated = new EvaluationRecipe(40, 32).Make(image);
        Assert.Equal((32, 32, channels), (evaluated.Width, evaluated.Height, evaluated.Channels));
    }

    [Fact]
    public void AViewIsMadeAsPillowMakesIt()
    {
        JitterParameters jitter = new(1.2f, 0.8f, 0.9f, 0.05f, [Hue, Brightness, Saturation, Contrast]);
        ViewParameters global = new(new CropBox(12, 9, 120, 83), Flip: true, jitter, Grayscale: false, BlurRadius: 0.7f, Solarize: true);
        jitter = new(0.75f, 1.3f, 1.15f, -0.08f, [Contrast, Saturation, Hue, Brightness]);
        ViewParameters local = new(new CropBox(31, 64, 40, 36), Flip: false, jitter, Grayscale: true, BlurRadius: 1.6f, Solarize: false);
        AssertMakes("portrait.png", global, "chain-global.png");
        AssertMakes("landscape.png", local, "chain-local.png");

        static void AssertMakes(string source, ViewParameters parameters, string golden)
        {
            using PixelImage image = TestFolder.FixtureImage(source), expected = TestFolder.FixtureImage(golden);
            using PixelImage actual = new(expected.Width, expected.Height);
            parameters.Apply(image, actual);
            AssertWithinOneLevel(expected, actual, golden);
        }
    }

    [Theory]
    [InlineData("landscape", 56)]
    [InlineData("landscape", 54)]
    [InlineData("portrait", 56)]
    [InlineData("portrait", 54)]
    public void EvaluationSeesTheMiddle(string name, int size)
    {
        using PixelImage image = TestFolder.FixtureImage($"{name}.png"), expected = TestFolder.FixtureImage($"eval-{name}-{size}.png");
        using PixelImage actual = new EvaluationRecipe(64, size).Make(image);
        AssertWithinOneLevel(expected, actual, name);
    }

    [Fact]
    public void ChancesAreTheOptions()
    {
        const int Draws = 20_000;
        MultiCropRecipe recipe = new(new());
        (double Blur, double Solarize)[] expected = [(1, 0), (0.1, 0.2), .. Enumerable.Repeat((0.5, 0.0), 8)];
        Assert.Equal(expected.Length, recipe.ViewCount);
        for (int view = 0; view < 3; view++)
        {
            ViewParameters[] drawn = [.. Enumerable.Range(0, Draws).Select(i =>
            {
                SampleRandom random = new(3, 0, i, view);
                return recipe.Draw(view, 500, 375, ref random);
            })];
            AssertShare(0.5, drawn.Count(p => p.Flip));
            AssertShare(0.8, drawn.Count(p => p.Jitter is not null));
            AssertShare(0.2, drawn.Count(p => p.Grayscale));
            AssertShare(expected[view].Blur, drawn.Count(p => p.BlurRadius is not null));
            AssertShare(expected[view].Solarize, drawn.Count(p => p.Solarize));

            JitterParameters[] jitters = [.. drawn.Where(p => p.Jitter is not null).Select(p => p.Jitter!.Value)];
            Assert.Equal(24, jitters.Select(jitter => string.Join(' ', jitter.Order)).Distinct().Count());
            AssertUniform(0.6, 1.4, [.. jitters.Select(jitter => (double)jitter.Brightness)]);
            AssertUniform(0.6, 1.4, [.. jitters.Select(jitter => (double)jitter.Contrast)]);
            AssertUniform(0.8, 1.2, [.. jitters.Select(jitter => (double)jitter.Saturation)]);
            AssertUniform(-0.1, 0.1, [.. jitters.Select(jitter => (double)jitter.Hue)]);
            AssertUniform(0.1, 2, [.. drawn.Where(p => p.BlurRadius is not null).Select(p => (double)p.BlurRadius!.Value)]);
        }

        static void AssertShare(double expected, int count)
        {
            double error = Math.Sqrt(expected * (1 - expected) / Draws);
            Assert.InRange((double)count / Draws, expected - 4 * error, expected + 4 * error);
        }

        static void AssertUniform(double low, double high, double[] values)
        {
            double width = high - low, error = width / Math.Sqrt(12 * values.Length);
            Assert.InRange(values.Average(), (low + high) / 2 - 4 * error, (low + high) / 2 + 4 * error);
            Assert.InRange(values.Min(), low - 1e-6, low + 0.02 * width);
            Assert.InRange(values.Max(), high - 0.02 * width, high + 1e-6);
        }
    }

    [Fact]
    public void OptionsOutOfRangeAreNamed()
    {
        MultiCropOptions options = new();
        (MultiCropOptions Options, string Name)[] bad =
        [
            (options with { GlobalSize = 0 }, "GlobalSize"), (options with { LocalCount = -1 }, "LocalCount"),
            (options with { Hue = 0.6 }, "Hue"), (options with { FlipProbability = 1.1 }, "FlipProbability"),
            (options with { Contrast = double.NaN }, "Contrast"),
            (options with { GlobalScale = new(0.5, 0.4) }, "GlobalScale"), (options with { LocalScale = new(0, 0.4) }, "LocalScale"),
            (options with { BlurRadius = new(0, 1000) }, "BlurRadius"),
        ];
        foreach ((MultiCropOptions wrong, string name) in bad)
        {
            Assert.StartsWith(name, Assert.Throws<ArgumentException>(() => new MultiCropRecipe(wrong)).Message);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => new EvaluationRecipe(resizeSize: 100, cropSize: 101));
    }

    [Fact]
    public void PixelsAreNormalisedPerChannel()
    {
        using IDisposable scope = NewDisposeScope();
        byte[] bytes = new byte[2 * 3 * 5 * 3];
        new Random(0).NextBytes(bytes);
        Tensor pixels = tensor(bytes, [2, 3, 5, 3], ScalarType.Byte);
        Tensor actual = PixelNormalization.ImageNet.Apply(pixels, CPU);
        Tensor mean = tensor([0.485, 0.456, 0.406], ScalarType.Float64), std = tensor([0.229, 0.224, 0.225], ScalarType.Float64);
        Tensor expected = ((pixels.to(ScalarType.Float64) / 255 - mean) / std).permute(0, 3, 1, 2);
        Assert.Equal([2, 3, 3, 5], actual.shape);
        Assert.True(actual.is_contiguous());
        Assert.InRange((actual - expected).abs().max().ToDouble(), 0, 1e-6);
        Assert.True(actual.bytes.SequenceEqual(PixelNormalization.ImageNet.ApplyThere(pixels, CPU).bytes), "as another device does it");
        Assert.Throws<ArgumentException>(() => PixelNormalization.ImageNet.Apply(actual, CPU));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public void PixelsOfAnyChannelsAndPartsOfATensorAreNormalised(int channels)
    {
        using IDisposable scope = NewDisposeScope();
        byte[] bytes = new byte[4 * 6 * 5 * channels];
        new Random(0).NextBytes(bytes);
        Tensor pixels = tensor(bytes, [4, 6, 5, channels], ScalarType.Byte)[TensorIndex.Slice(1, 4, 2)]; // rows that do not adjoin
        double[] mean = [.. Enumerable.Range(1, channels).Select(c => 0.1 * c)], std = [.. Enumerable.Range(1, channels).Select(c => 0.2 * c)];
        Tensor actual = new PixelNormalization(mean, std).Apply(pixels, CPU);
        Tensor expected = ((pixels.to(ScalarType.Float64) / 255 - tensor(mean)) / tensor(std)).permute(0, 3, 1, 2);
        Assert.Equal([2, channels, 6, 5], actual.shape);
        Assert.InRange((actual - expected).abs().max().ToDouble(), 0, 1e-6);
        Assert.Equal([0, channels, 6, 5], new PixelNormalization(mean, std).Apply(pixels[TensorIndex.Slice(0, 0)], CPU).shape);
    }

    [Fact]
    public void ASheetShowsImagesAndTheirViews()
    {
        using TestFolder folder = TestFolder.OfImages(3);
        folder.Write("001.png", [1, 2, 3]);
        using IImageSource source = ImageSources.Open(folder.Path);
        using PixelImage sheet = ViewSheet.Draw(source, new MultiCropRecipe(new() { GlobalSize = 32, LocalSize = 16, LocalCount = 3 }), new(), count: 5, seed: 0);
        // Rows of 36 pixels are shown in threefold size.
        Assert.Equal((3 * (4 + 36 + 2 * 36 + 3 * 20), 3 * (2 * 36 + 4)), (sheet.Width, sheet.Height));
        int ink = (sheet.Pixels.Length - sheet.Pixels.Count((byte)255)) / 9;
        Assert.InRange(ink, 2 * 3 * 0.8 * (32 * 24 + 2 * 32 * 32 + 3 * 16 * 16), 2 * 3 * (32 * 24 + 2 * 32 * 32 + 3 * 16 * 16));
    }

    [Fact]
    public void LocalViewsOfASheetStandAboveEachOtherWhereThereIsRoom()
    {
        using TestFolder folder = TestFolder.OfImages(1);
        using IImageSource source = ImageSources.Open(folder.Path);
        using PixelImage sheet = ViewSheet.Draw(source, new MultiCropRecipe(new() { GlobalSize = 224, LocalSize = 96, LocalCount = 5 }), new(), count: 1, seed: 0);
        Assert.Equal((4 + 3 * 228 + 3 * 100, 232), (sheet.Width, sheet.Height));
    }

    private static void AssertSameDistribution(JsonElement expected, double[] sorted, string name)
    {
        // The reference drew 4000, so its error counts as well as ours.
        double std = expected.GetProperty("std").GetDouble(), error = expected.GetProperty("standard-error").GetDouble();
        double mean = sorted.Average(), ours = std / Math.Sqrt(sorted.Length), tolerance = 4 * Math.Sqrt(error * error + ours * ours);
        Assert.True(Math.Abs(mean - expected.GetProperty("mean").GetDouble()) < tolerance, $"mean of {name}: {mean}");
        double[] deciles = [.. expected.GetProperty("deciles").EnumerateArray().Select(value => value.GetDouble())];
        for (int i = 0; i < deciles.Length; i++)
        {
            // The share below a decile is binomial in both samples.
            double share = (i + 1) / 10.0, below = (double)sorted.Count(value => value <= deciles[i]) / sorted.Length;
            double bound = 4 * Math.Sqrt(share * (1 - share) * (1.0 / 4000 + 1.0 / sorted.Length));
            Assert.True(Math.Abs(below - share) < bound, $"decile {i + 1} of {name}: {below}");
        }
    }

    private static void AssertWithinOneLevel(PixelImage expected, PixelImage actual, string what)
    {
        Assert.Equal((expected.Width, expected.Height), (actual.Width, actual.Height));
        for (int i = 0; i < expected.Pixels.Length; i++)
        {
            int difference = actual.Pixels[i] - expected.Pixels[i];
            Assert.True(Math.Abs(difference) <= 1, $"{what}: sample {i} is off by {difference}");
        }
    }
}
