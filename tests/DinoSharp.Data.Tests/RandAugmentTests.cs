using DinoSharp.Imaging;
using DinoSharp.Tests;

namespace DinoSharp.Data.Tests;

public sealed class RandAugmentTests
{
    private const int Side = 32;

    /// <summary>What a strength means to an operation, from the authors' table; pixels are held against Pillow elsewhere.</summary>
    [Theory]
    [InlineData(RandAugmentOperation.Rotate, 5, 15)]
    [InlineData(RandAugmentOperation.ShearX, 10, 0.3)]
    [InlineData(RandAugmentOperation.ShearY, 4, 0.12)]
    [InlineData(RandAugmentOperation.TranslateX, 10, 14)]
    [InlineData(RandAugmentOperation.TranslateY, 5, 7)]
    [InlineData(RandAugmentOperation.Posterize, 9, 3)]
    [InlineData(RandAugmentOperation.Posterize, 27, 8)]
    [InlineData(RandAugmentOperation.Solarize, 5, 128)]
    [InlineData(RandAugmentOperation.Contrast, 0, 0.1)]
    [InlineData(RandAugmentOperation.Brightness, 9, 1.72)]
    [InlineData(RandAugmentOperation.Color, 10, 1.9)]
    [InlineData(RandAugmentOperation.Sharpness, 5, 1)]
    public void Strengths_are_the_authors(RandAugmentOperation operation, double magnitude, double amount)
    {
        foreach (bool other in (bool[])[false, true])
        {
            using var view = Noise();
            using var expected = Noise();
            double sided = other ? -amount : amount;
            Action<PixelImage> apply = operation switch
            {
                RandAugmentOperation.Rotate => image => AffineWarp.Rotate(image, sided),
                RandAugmentOperation.ShearX => image => AffineWarp.ShearX(image, sided),
                RandAugmentOperation.ShearY => image => AffineWarp.ShearY(image, sided),
                RandAugmentOperation.TranslateX => image => AffineWarp.TranslateX(image, (int)sided),
                RandAugmentOperation.TranslateY => image => AffineWarp.TranslateY(image, (int)sided),
                RandAugmentOperation.Posterize => image => PixelOperations.Posterize(image, (int)amount),
                RandAugmentOperation.Solarize => image => PixelOperations.Solarize(image, (byte)amount),
                RandAugmentOperation.Contrast => image => ColorJitter.Contrast(image, (float)amount),
                RandAugmentOperation.Brightness => image => ColorJitter.Brightness(image, (float)amount),
                RandAugmentOperation.Color => image => ColorJitter.Saturation(image, (float)amount),
                RandAugmentOperation.Sharpness => image => Sharpness.Apply(image, (float)amount),
                _ => throw new InvalidOperationException(operation.ToString()),
            };
            apply(expected);
            RandAugment.Apply(view, operation, magnitude, other);
            Assert.True(expected.Pixels.SequenceEqual(view.Pixels), $"{operation} at {magnitude}, other side {other}");
        }
    }

    [Fact]
    public void A_view_is_a_function_of_its_numbers_and_each_operation_is_drawn_equally_often()
    {
        var options = new RandAugmentOptions { Operations = 1, Magnitude = 9 };
        int unchanged = 0;
        const int views = 1400;
        for (int index = 0; index < views; index++)
        {
            SampleRandom random = new(3, 0, index, 0), same = new(3, 0, index, 0);
            using var first = Noise();
            using var second = Noise();
            using var before = Noise();
            RandAugment.Apply(first, options, ref random);
            RandAugment.Apply(second, options, ref same);
            Assert.True(first.Pixels.SequenceEqual(second.Pixels));
            unchanged += first.Pixels.SequenceEqual(before.Pixels) ? 1 : 0;
        }

        // Of the 14, identity alone leaves noise of all levels as it is but for auto-contrast, which finds nothing to stretch.
        double expected = views * 2.0 / 14;
        Assert.InRange(unchanged, expected - 4 * Math.Sqrt(expected), expected + 4 * Math.Sqrt(expected));
    }

    [Fact]
    public void With_no_chance_or_no_operations_a_view_stays_and_deviation_changes_strengths()
    {
        SampleRandom random = new(3, 0, 0, 0);
        using var view = Noise();
        using var before = Noise();
        RandAugment.Apply(view, new() { Probability = 0 }, ref random);
        RandAugment.Apply(view, new() { Operations = 0 }, ref random);
        Assert.True(before.Pixels.SequenceEqual(view.Pixels));
        int different = 0;
        for (int index = 0; index < 50; index++)
        {
            SampleRandom one = new(3, 0, index, 0), other = new(3, 0, index, 0);
            using var steady = Noise();
            using var varied = Noise();
            RandAugment.Apply(steady, new() { Magnitude = 5 }, ref one);
            RandAugment.Apply(varied, new() { Magnitude = 5, MagnitudeDeviation = 2 }, ref other);
            Assert.Equal(one.NextDouble(), other.NextDouble());
            different += steady.Pixels.SequenceEqual(varied.Pixels) ? 0 : 1;
        }

        Assert.InRange(different, 25, 50);
    }

    /// <summary>It comes last, so that the rest of a view is what it is without it.</summary>
    [Fact]
    public void Recipes_do_it_after_all_but_erasing()
    {
        using var image = ImageDecoder.Decode(TestFolder.Png(3, 50, 40), "noise");
        var augment = new RandAugmentOptions { Magnitude = 7 };
        var plain = new MultiCropOptions { GlobalSize = Side, LocalCount = 0 };
        for (int index = 0; index < 10; index++)
        {
            SampleRandom random = new(7, 0, index, 1), same = new(7, 0, index, 1);
            using var expected = new MultiCropRecipe(plain).Make(image, 1, ref random);
            RandAugment.Apply(expected, augment, ref random);
            using var view = new MultiCropRecipe(plain with { RandAugment = augment }).Make(image, 1, ref same);
            Assert.True(expected.Pixels.SequenceEqual(view.Pixels));

            SampleRandom crop = new(7, 0, index, 0), sameCrop = new(7, 0, index, 0), erasing = new(7, 0, index, 0);
            using var expectedCrop = new RandomCropRecipe(new() { Size = Side }).Make(image, 0, ref erasing);
            _ = (crop.Chance(0.5), JitterParameters.Draw(ref crop, new()));
            _ = RandomResizedCrop.Draw(ref crop, 50, 40, new(0.08, 1), new(3.0 / 4, 4.0 / 3));
            RandAugment.Apply(expectedCrop, augment, ref crop);
            using var viewCrop = new RandomCropRecipe(new() { Size = Side, RandAugment = augment }).Make(image, 0, ref sameCrop);
            Assert.True(expectedCrop.Pixels.SequenceEqual(viewCrop.Pixels));
        }
    }

    [Theory]
    [InlineData(-1, 9, 0, 1, "-1")]
    [InlineData(2, 31, 0, 1, "31")]
    [InlineData(2, double.NaN, 0, 1, "NaN")]
    [InlineData(2, 9, -0.5, 1, "-0.5")]
    [InlineData(2, 9, 0, 1.5, "1.5")]
    public void Bad_options_are_refused_in_one_line(int operations, double magnitude, double deviation, double probability, string says)
    {
        var options = new RandAugmentOptions
        {
            Operations = operations,
            Magnitude = magnitude,
            MagnitudeDeviation = deviation,
            Probability = probability,
        };
        foreach (var refuses in (Action[])[
            () => new MultiCropOptions { RandAugment = options }.Validate(), () => new RandomCropOptions { RandAugment = options }.Validated()])
        {
            string message = Assert.Throws<ArgumentException>(refuses).Message;
            Assert.Contains(says, message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', message);
        }
    }

    private static PixelImage Noise()
    {
        PixelImage image = new(Side, Side);
        new Random(1).NextBytes(image.Pixels);
        return image;
    }
}
