using System.Text.Json;

namespace DinoSharp.Imaging.Tests;

/// <summary>What RandAugment does to pictures, against what Pillow 9.4 made of them: no sample may differ.</summary>
public class AugmentationTests
{
    private static readonly JsonElement Index = JsonDocument.Parse(Fixture.Bytes("randaugment/index.json")).RootElement;

    public static TheoryData<string> Made => [.. Index.EnumerateObject().Select(p => p.Name)];

    public static TheoryData<string> Operations =>
        [.. Index.EnumerateObject().Select(p => p.Value.GetProperty("operation").GetString()!).Distinct().Where(name => name != "color")];

    /// <summary>A golden file has the results of an operation's amounts one below the other.</summary>
    [Theory]
    [MemberData(nameof(Made))]
    public void Equals_the_golden_file(string name)
    {
        JsonElement entry = Index.GetProperty(name);
        using PixelImage source = Fixture.Image(entry.GetProperty("source").GetString()!), expected = Fixture.Image("randaugment/" + name);
        using PixelImage actual = new(expected.Width, expected.Height);
        int row = 0;
        foreach (double amount in entry.GetProperty("amounts").EnumerateArray().Select(a => a.GetDouble()))
        {
            using PixelImage image = Fixture.Copy(source);
            Apply(image, entry.GetProperty("operation").GetString()!, amount);
            PixelOperations.Paste(image, actual, row, 0);
            row += image.Height;
        }

        Assert.Equal(expected.Height, row);
        Fixture.AssertSame(expected, actual, name);
    }

    /// <summary>A channel does not know of the others, so that any number of them is changed alike; contrast's mean is of all.</summary>
    [Theory]
    [MemberData(nameof(Operations))]
    public void Channels_are_changed_one_by_one(string operation)
    {
        foreach (int channels in operation == "contrast" ? [1] : (int[])[1, 2, 4, 5])
        {
            using PixelImage image = Fixture.Random(37, 23, 5, channels);
            using PixelImage before = Fixture.Copy(image);
            double amount = operation switch
            {
                "posterize" => 3,
                "rotate" or "solarize" or "translate-x" or "translate-y" => 13,
                _ => 0.4,
            };
            Apply(image, operation, amount);
            for (int channel = 0; channel < channels; channel++)
            {
                using PixelImage expected = Channel(before, channel), actual = Channel(image, channel);
                Apply(expected, operation, amount);
                Fixture.AssertSame(expected, actual, $"{operation}, channel {channel} of {channels}");
            }
        }
    }

    /// <summary>Pixel by pixel from the definition, on images of awkward sizes.</summary>
    [Fact]
    public void Sharpening_equals_its_definition()
    {
        Random random = new(4);
        for (int trial = 0; trial < 120; trial++)
        {
            int width = random.Next(3, 40), height = random.Next(3, 12), channels = random.Next(1, 6);
            float factor = 3 * random.NextSingle();
            using PixelImage image = Fixture.Random(width, height, trial, channels), before = Fixture.Copy(image), expected = Fixture.Copy(image);
            for (int y = 1; y < height - 1; y++)
            {
                for (int i = y * width * channels + channels; i < (y + 1) * width * channels - channels; i++)
                {
                    int sum = 4 * before.Pixels[i], stride = width * channels;
                    foreach (int row in (int[])[i - stride, i, i + stride])
                    {
                        sum += before.Pixels[row - channels] + before.Pixels[row] + before.Pixels[row + channels];
                    }

                    int smooth = (int)Math.Round(sum / 13.0);
                    expected.Pixels[i] = (byte)Math.Clamp(smooth + factor * (before.Pixels[i] - smooth), 0, 255);
                }
            }

            Sharpness.Apply(image, factor);
            Fixture.AssertSame(expected, image, $"{width} x {height} x {channels}, factor {factor}");
        }
    }

    [Fact]
    public void Images_too_small_or_too_plain_stay_as_they_are()
    {
        foreach ((int width, int height) in ((int, int)[])[(2, 9), (9, 2), (1, 1)])
        {
            using PixelImage image = Fixture.Random(width, height, 3), before = Fixture.Copy(image);
            Sharpness.Apply(image, 3);
            Fixture.AssertSame(before, image, $"sharpness of {width} x {height}");
        }

        using PixelImage plain = new(8, 8), same = new(8, 8);
        plain.Pixels.Fill(77);
        same.Pixels.Fill(77);
        ToneCurves.AutoContrast(plain);
        ToneCurves.Equalize(plain);
        AffineWarp.Rotate(plain, 360);
        Fixture.AssertSame(same, plain, "one level");
        AffineWarp.TranslateX(plain, -9);
        Assert.Equal(-1, plain.Pixels.IndexOfAnyExcept(AffineWarp.Gray));
    }

    [Fact]
    public void Amounts_that_make_no_picture_are_refused()
    {
        using PixelImage image = Fixture.Random(8, 8, 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => PixelOperations.Posterize(image, 9));
        Assert.Throws<ArgumentOutOfRangeException>(() => PixelOperations.Posterize(image, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Sharpness.Apply(image, -0.1f));
        Assert.Throws<ArgumentOutOfRangeException>(() => Sharpness.Apply(image, float.NaN));
    }

    internal static void Apply(PixelImage image, string operation, double amount)
    {
        switch (operation)
        {
            case "autocontrast":
                ToneCurves.AutoContrast(image);
                break;
            case "equalize":
                ToneCurves.Equalize(image);
                break;
            case "posterize":
                PixelOperations.Posterize(image, (int)amount);
                break;
            case "solarize":
                PixelOperations.Solarize(image, (byte)amount);
                break;
            case "color":
                ColorJitter.Saturation(image, (float)amount);
                break;
            case "contrast":
                ColorJitter.Contrast(image, (float)amount);
                break;
            case "brightness":
                ColorJitter.Brightness(image, (float)amount);
                break;
            case "sharpness":
                Sharpness.Apply(image, (float)amount);
                break;
            case "rotate":
                AffineWarp.Rotate(image, amount);
                break;
            case "shear-x":
                AffineWarp.ShearX(image, amount);
                break;
            case "shear-y":
                AffineWarp.ShearY(image, amount);
                break;
            case "translate-x":
                AffineWarp.TranslateX(image, (int)amount);
                break;
            case "translate-y":
                AffineWarp.TranslateY(image, (int)amount);
                break;
            default:
                throw new InvalidOperationException("The index names an operation that the test does not know: " + operation);
        }
    }

    private static PixelImage Channel(PixelImage image, int channel)
    {
        PixelImage one = new(image.Width, image.Height, 1);
        for (int i = 0; i < one.Pixels.Length; i++)
        {
            one.Pixels[i] = image.Pixels[i * image.Channels + channel];
        }

        return one;
    }
}
