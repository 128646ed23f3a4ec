using System.Text.Json;

namespace DinoSharp.Imaging.Tests;

/// <summary>Every operation against what Pillow and torchvision made of the same picture: no sample may differ.</summary>
public class GoldenTests
{
    private static readonly JsonElement Index = JsonDocument.Parse(Fixture.Bytes("augment/index.json")).RootElement;

    public static TheoryData<string> Made =>
        [.. Index.EnumerateObject().Where(p => p.Value.GetProperty("operation").GetString() != "source").Select(p => p.Name)];

    [Fact]
    public void The_index_names_every_golden_file() => Assert.Equal(
        Directory.GetFiles(Fixture.PathOf("augment"), "*.png").Select(f => Path.GetFileName(f)).Order(),
        Index.EnumerateObject().Select(p => p.Name).Order());

    [Theory]
    [MemberData(nameof(Made))]
    public void Equals_the_golden_file(string name)
    {
        JsonElement entry = Index.GetProperty(name);
        using PixelImage source = Fixture.Image("augment/" + entry.GetProperty("source").GetString());
        using PixelImage expected = Fixture.Image("augment/" + name);
        using PixelImage actual = Apply(source, entry, expected.Width, expected.Height);
        Fixture.AssertSame(expected, actual, name);
    }

    private static PixelImage Apply(PixelImage source, JsonElement entry, int width, int height)
    {
        string operation = entry.GetProperty("operation").GetString()!;
        if (operation.StartsWith("crop, resize", StringComparison.Ordinal))
        {
            return entry.TryGetProperty("jitter", out _)
                ? Chain(source, entry, width)
                : Resize(source, Box(entry), width, height, operation.EndsWith("bilinear", StringComparison.Ordinal) ? ResampleFilter.Bilinear : ResampleFilter.Bicubic);
        }

        if (operation == "horizontal flip")
        {
            return Resize(source, CropBox.Whole(source), width, height, ResampleFilter.Bicubic, mirror: true); // to the same size
        }

        if (operation.StartsWith("Resize(64", StringComparison.Ordinal))
        {
            return ShorterSideTo64(source, width, height);
        }

        PixelImage image = Fixture.Copy(source);
        switch (operation)
        {
            case "decode":
                break;
            case "grayscale, 3 channels":
                PixelOperations.Grayscale(image);
                break;
            case "GaussianBlur":
                GaussianBlur.Apply(image, entry.GetProperty("radius").GetSingle());
                break;
            case "solarize, threshold 128":
                PixelOperations.Solarize(image, 128);
                break;
            case var adjust when adjust.StartsWith("adjust_", StringComparison.Ordinal):
                Adjust(image, adjust["adjust_".Length..], entry.GetProperty("factor").GetSingle());
                break;
            default:
                throw new InvalidOperationException("The index names an operation that the test does not know: " + operation);
        }

        return image;
    }

    private static PixelImage Resize(PixelImage source, CropBox box, int width, int height, ResampleFilter filter, bool mirror = false)
    {
        PixelImage destination = new(width, height);
        Resampler.Resize(source, box, destination, filter, mirror);
        return destination;
    }

    /// <summary>torchvision's Resize(64), and its CenterCrop where the golden file is smaller: margins are rounded half to even.</summary>
    private static PixelImage ShorterSideTo64(PixelImage source, int width, int height)
    {
        bool wide = source.Width > source.Height;
        int resizedWidth = wide ? 64 * source.Width / source.Height : 64, resizedHeight = wide ? 64 : 64 * source.Height / source.Width;
        PixelImage resized = Resize(source, CropBox.Whole(source), resizedWidth, resizedHeight, ResampleFilter.Bicubic);
        if (width == resizedWidth)
        {
            return resized;
        }

        using (resized)
        {
            int left = (int)Math.Round((resizedWidth - width) / 2.0), top = (int)Math.Round((resizedHeight - height) / 2.0);
            PixelImage cropped = new(width, height);
            for (int y = 0; y < height; y++)
            {
                resized.Pixels.Slice(((top + y) * resizedWidth + left) * 3, width * 3).CopyTo(cropped.Pixels[(y * width * 3)..]);
            }

            return cropped;
        }
    }

    private static PixelImage Chain(PixelImage source, JsonElement entry, int size)
    {
        int[] box = [.. entry.GetProperty("box").EnumerateArray().Select(v => v.GetInt32())];
        PixelImage image = Resize(
            source, new CropBox(box[0], box[1], box[2], box[3]), size, size, ResampleFilter.Bicubic, entry.GetProperty("flip").GetBoolean());
        foreach (JsonElement step in entry.GetProperty("jitter").EnumerateArray())
        {
            Adjust(image, step[0].GetString()!, step[1].GetSingle());
        }

        if (entry.GetProperty("gray").GetBoolean())
        {
            PixelOperations.Grayscale(image);
        }

        GaussianBlur.Apply(image, entry.GetProperty("blur").GetSingle());
        if (entry.GetProperty("solarize").GetBoolean())
        {
            PixelOperations.Solarize(image);
        }

        return image;
    }

    private static void Adjust(PixelImage image, string what, float amount)
    {
        Action<PixelImage, float> adjust = what switch
        {
            "brightness" => ColorJitter.Brightness,
            "contrast" => ColorJitter.Contrast,
            "saturation" => ColorJitter.Saturation,
            "hue" => ColorJitter.Hue,
            _ => throw new InvalidOperationException("The index names an adjustment that the test does not know: " + what),
        };
        adjust(image, amount);
    }

    private static CropBox Box(JsonElement entry) => new(
        entry.GetProperty("top").GetInt32(),
        entry.GetProperty("left").GetInt32(),
        entry.GetProperty("height").GetInt32(),
        entry.GetProperty("width").GetInt32());
}
