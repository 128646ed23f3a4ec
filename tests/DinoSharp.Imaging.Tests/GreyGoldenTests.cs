namespace DinoSharp.Imaging.Tests;

/// <summary>
/// Grey images against what torchvision 0.14.1 and Pillow 9.4.0 make of mode L. Saturation, hue and grayscale leave such an image as it
/// is there, and here do not take it.
/// </summary>
public class GreyGoldenTests
{
    [Theory]
    [InlineData("brightness-1.4")]
    [InlineData("contrast-0.6")]
    [InlineData("contrast-1.4")]
    [InlineData("flip")]
    [InlineData("blur-1.3")]
    [InlineData("solarize")]
    [InlineData("crop-3-5-21-17")]
    public void Equals_the_golden_file(string name)
    {
        using PixelImage source = Grey("source.png"), expected = Grey(name + ".png"), actual = Apply(name, source);
        Fixture.AssertSame(expected, actual, name);
    }

    [Fact]
    public void What_needs_colour_refuses_grey()
    {
        using PixelImage grey = Grey("source.png");
        Assert.Throws<ArgumentException>(() => ColorJitter.Saturation(grey, 1.2f));
        Assert.Throws<ArgumentException>(() => ColorJitter.Hue(grey, 0.1f));
        Assert.Throws<ArgumentException>(() => PixelOperations.Grayscale(grey));
    }

    private static PixelImage Apply(string name, PixelImage source)
    {
        PixelImage image = Fixture.Copy(source);
        switch (name)
        {
            case "brightness-1.4":
                ColorJitter.Brightness(image, 1.4f);
                break;
            case "contrast-0.6":
                ColorJitter.Contrast(image, 0.6f);
                break;
            case "contrast-1.4":
                ColorJitter.Contrast(image, 1.4f);
                break;
            case "flip":
                Resampler.Resize(source, CropBox.Whole(source), image, ResampleFilter.Bicubic, mirror: true); // to the same size
                break;
            case "blur-1.3":
                GaussianBlur.Apply(image, 1.3f);
                break;
            case "solarize":
                PixelOperations.Solarize(image);
                break;
            default:
                image.Dispose();
                image = new PixelImage(16, 16, channels: 1);
                Resampler.Resize(source, new CropBox(3, 5, 21, 17), image, ResampleFilter.Bicubic);
                break;
        }

        return image;
    }

    /// <summary>A grey file, of which decoding makes three equal channels.</summary>
    private static PixelImage Grey(string name)
    {
        using PixelImage rgb = Fixture.Image("grey/" + name);
        PixelImage grey = new(rgb.Width, rgb.Height, channels: 1);
        for (int i = 0; i < grey.Pixels.Length; i++)
        {
            grey.Pixels[i] = rgb.Pixels[3 * i];
        }

        return grey;
    }
}
