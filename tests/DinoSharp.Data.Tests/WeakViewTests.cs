using DinoSharp.Imaging;

namespace DinoSharp.Data.Tests;

public sealed class WeakViewTests
{
    private static readonly MultiCropOptions Crops = new() { GlobalSize = 32, LocalSize = 16, LocalCount = 3 };

    [Fact]
    public void It_stands_before_the_crops_which_stay_as_they_are()
    {
        WeakViewRecipe recipe = new(48, Crops);
        MultiCropRecipe crops = new(Crops);
        Assert.Equal(6, recipe.ViewCount);
        Assert.Equal([48, 32, 32, 16, 16, 16], Enumerable.Range(0, 6).Select(recipe.SizeOf));
        using PixelImage image = Picture(80, 64);
        for (int view = 0; view < 5; view++)
        {
            SampleRandom mine = new(1, 2, 3, view), theirs = new(1, 2, 3, view);
            using PixelImage shifted = recipe.Make(image, view + 1, ref mine), expected = crops.Make(image, view, ref theirs);
            Assert.True(expected.Pixels.SequenceEqual(shifted.Pixels));
        }
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(1.0)]
    public void It_is_the_middle_resized_and_mirrored_or_not(double flip)
    {
        WeakViewRecipe recipe = new(28, Crops with { FlipProbability = flip });
        using PixelImage image = Picture(80, 64);
        SampleRandom random = new(1, 2, 3, 0);
        using PixelImage view = recipe.Make(image, 0, ref random);
        using PixelImage expected = new(28, 28, 3);
        Resampler.Resize(image, new CropBox(4, 12, 56, 56), expected, ResampleFilter.Bicubic, mirror: flip > 0);
        Assert.True(expected.Pixels.SequenceEqual(view.Pixels));
    }

    [Theory]
    [InlineData(512, 512, 1)] // 448 pixels for 300: no half is left
    [InlineData(2048, 2048, 4)] // the crops would allow 8
    public void Images_are_decoded_no_smaller_than_the_view_needs(int width, int height, int expected)
    {
        var crops = Crops with { GlobalSize = 8, LocalSize = 8, GlobalScale = new(0.5, 1), LocalScale = new(0.5, 1) };
        Assert.Equal(8, crops.ReductionOf(2048, 2048));
        Assert.Equal(expected, new WeakViewRecipe(300, crops).Decoding(new DecodeOptions()).Reduction!(width, height));
        Assert.Null(new WeakViewRecipe(300, crops with { Exact = true }).Decoding(new DecodeOptions()).Reduction);
    }

    [Fact]
    public void A_size_that_cannot_be_is_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => new WeakViewRecipe(0, Crops));
        Assert.Contains("weak view of 0 pixels", error.Message, StringComparison.Ordinal);
    }

    private static PixelImage Picture(int width, int height)
    {
        PixelImage image = new(width, height, 3);
        new Random(1).NextBytes(image.Pixels);
        return image;
    }
}
