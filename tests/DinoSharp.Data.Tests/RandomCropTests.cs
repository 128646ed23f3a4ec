using DinoSharp.Imaging;
using DinoSharp.Tests;

namespace DinoSharp.Data.Tests;

/// <summary>The view of training with labels.</summary>
public sealed class RandomCropTests
{
    private const int Side = 24;

    /// <summary>The same numbers give the crop by torchvision's rules, held against golden statistics elsewhere; here, what is made of it.</summary>
    [Fact]
    public void A_view_is_the_drawn_crop_resized_and_mirrored()
    {
        using var image = ImageDecoder.Decode(TestFolder.Png(3, 50, 40), "noise");
        var options = new RandomCropOptions { Size = Side };
        int mirrored = 0;
        for (int index = 0; index < 20; index++)
        {
            SampleRandom random = new(7, 0, index, 0), same = new(7, 0, index, 0);
            using var view = new RandomCropRecipe(options).Make(image, 0, ref random);
            bool flips = same.Chance(0.5);
            _ = JitterParameters.Draw(ref same, new MultiCropOptions());
            var box = RandomResizedCrop.Draw(ref same, 50, 40, options.Scale, options.Ratio);
            using var expected = new PixelImage(Side, Side);
            Resampler.Resize(image, box, expected, ResampleFilter.Bilinear, mirror: flips);
            Assert.True(expected.Pixels.SequenceEqual(view.Pixels));
            mirrored += flips ? 1 : 0;
        }

        Assert.InRange(mirrored, 4, 16);
    }

    [Fact]
    public void Erasing_fills_one_rectangle_of_the_stated_size_with_noise_of_the_images_statistics()
    {
        const byte paper = 255;
        const int side = 64;
        double least = 1, most = 0;
        long sum = 0, count = 0;
        for (int index = 0; index < 300; index++)
        {
            using PixelImage image = new(side, side);
            image.Pixels.Fill(paper);
            SampleRandom random = new(1, 0, index, 0);
            RandomErasing.Apply(image, ref random);
            var (top, left, bottom, right) = Changed(image, paper);
            double area = (double)(bottom - top) * (right - left) / (side * side);
            (least, most) = (Math.Min(least, area), Math.Max(most, area));
            for (int y = top; y < bottom; y++)
            {
                for (int x = left; x < right; x++, count++)
                {
                    sum += image.Pixels[(y * side + x) * 3];
                }
            }
        }

        Assert.InRange(least, 0.01, 0.03);
        Assert.InRange(most, 0.28, 0.36);
        Assert.Equal(0.485 * 255, (double)sum / count, 3.0); // red's mean; clamping hardly moves it
    }

    [Theory]
    [InlineData(0, 0, 0.5)]
    [InlineData(5000, 0, 0.5)]
    [InlineData(8, 1.5, 0.5)]
    [InlineData(8, 0, -0.1)]
    public void What_cannot_be_drawn_is_refused(int size, double jitter, double erase) => Assert.Throws<ArgumentException>(
        () => new RandomCropRecipe(new RandomCropOptions { Size = size, ColorJitter = jitter, EraseProbability = erase }));

    private static (int Top, int Left, int Bottom, int Right) Changed(PixelImage image, byte paper)
    {
        int top = image.Height, left = image.Width, bottom = 0, right = 0;
        for (int y = 0; y < image.Height; y++)
        {
            for (int x = 0; x < image.Width; x++)
            {
                if (image.Pixels.Slice((y * image.Width + x) * 3, 3).ContainsAnyExcept(paper))
                {
                    (top, left, bottom, right) = (Math.Min(top, y), Math.Min(left, x), Math.Max(bottom, y + 1), Math.Max(right, x + 1));
                }
            }
        }

        return (top, left, bottom, right);
    }
}
