using DinoSharp.Imaging.Tests.ScalarTwins;

namespace DinoSharp.Imaging.Tests;

/// <summary>Every kernel against plain loops from its definition, on random images of awkward sizes: no sample may differ.</summary>
public class TwinTests
{
    private static readonly int[] Sides = [1, 2, 3, 5, 15, 16, 17, 31, 33, 62, 63, 64, 65, 71];
    private static readonly int[] ChannelCounts = [1, 2, 3, 4, 5];

    /// <summary>Without the instructions that the kernels are made of, fewer trials take as long.</summary>
    private static readonly int Trials = Processor.IsRestricted ? 60 : 300;

    [Fact]
    public void Resampling_equals_its_definition()
    {
        Random random = new(1);
        for (int trial = 0; trial < Trials; trial++)
        {
            using PixelImage source = RandomImage(random, 90);
            CropBox box = RandomBox(random, source.Width, source.Height);
            (int width, int height) = (Side(random, 80), Side(random, 80));
            ResampleFilter filter = (ResampleFilter)random.Next(3);
            string what = $"{source.Width} x {source.Height} x {source.Channels}, {box} to {width} x {height}, {filter}";
            using PixelImage expected = ResampleTwin.Resize(source, box, width, height, filter);
            using PixelImage actual = new(width, height, source.Channels);
            Resampler.Resize(source, box, actual, filter);
            Fixture.AssertSame(expected, actual, what);

            using PixelImage mirrored = ResampleTwin.Mirror(expected);
            Resampler.Resize(source, box, actual, filter, mirror: true);
            Fixture.AssertSame(mirrored, actual, what + ", mirrored");

            CropBox cut = RandomBox(random, width, height);
            using PixelImage expectedPart = ResampleTwin.Cut(expected, cut), part = new(cut.Width, cut.Height, source.Channels);
            Resampler.ResizeAndCut(source, box, width, height, cut.Top, cut.Left, part, filter);
            Fixture.AssertSame(expectedPart, part, $"{what}, {cut} of that");
        }
    }

    [Theory]
    [InlineData(3000, 2, 7, 40)]
    [InlineData(1, 2000, 64, 1)]
    [InlineData(641, 479, 5, 3)]
    [InlineData(3, 2, 200, 150)]
    public void Resampling_by_large_factors_equals_its_definition(int width, int height, int toWidth, int toHeight)
    {
        foreach (ResampleFilter filter in Enum.GetValues<ResampleFilter>())
        {
            foreach (int channels in ChannelCounts)
            {
                using PixelImage source = Fixture.Random(width, height, 1, channels);
                using PixelImage expected = ResampleTwin.Resize(source, CropBox.Whole(source), toWidth, toHeight, filter);
                using PixelImage actual = new(toWidth, toHeight, channels);
                Resampler.Resize(source, CropBox.Whole(source), actual, filter);
                Fixture.AssertSame(expected, actual, $"{filter}, {channels} channels");
            }
        }
    }

    /// <summary>A pixel is stored as four bytes, of which those past the end of a row must not reach the next.</summary>
    [Theory]
    [InlineData(62)]
    [InlineData(63)]
    [InlineData(126)]
    [InlineData(127)]
    public void The_last_pixel_of_a_row_leaves_the_next_row_alone(int width)
    {
        foreach (int channels in ChannelCounts)
        {
            using PixelImage source = Fixture.Random(90, 9, 1, channels);
            using PixelImage expected = ResampleTwin.Resize(source, CropBox.Whole(source), width, 7, ResampleFilter.Bicubic);
            using PixelImage actual = new(width, 7, channels);
            Resampler.Resize(source, CropBox.Whole(source), actual, ResampleFilter.Bicubic);
            Fixture.AssertSame(expected, actual, $"{channels} channels");
        }
    }

    [Fact]
    public void Blurring_equals_its_definition()
    {
        Random random = new(2);
        float[] radii = [0, 0.1f, 0.5f, 1.41f, 1.42f, 2, 2.9f, 10, 63, 64, 64.5f, 100, 128];
        for (int trial = 0; trial < Trials; trial++)
        {
            using PixelImage image = RandomImage(random, 40);
            float radius = random.Next(3) == 0 ? radii[random.Next(radii.Length)] : 3 * random.NextSingle();
            if (random.Next(8) == 0)
            {
                image.Pixels.Fill(255); // the largest sums
            }

            using PixelImage expected = BlurTwin.Blur(image, radius);
            GaussianBlur.Apply(image, radius);
            Fixture.AssertSame(expected, image, $"{image.Width} x {image.Height} x {image.Channels}, radius {radius}");
        }
    }

    [Fact]
    public void What_takes_any_channels_equals_its_definition()
    {
        Random random = new(3);
        float[] factors = [0, 0.6f, 1, 1.4f, 3, 1000, float.MaxValue];
        for (int trial = 0; trial < Trials; trial++)
        {
            using PixelImage image = RandomImage(random, 90);
            float factor = random.Next(2) == 0 ? factors[random.Next(factors.Length)] : 2 * random.NextSingle();
            int threshold = random.Next(256);
            AssertSame(image, i => ColorJitter.Brightness(i, factor), i => ColourTwin.Brightness(i, factor), $"brightness {factor}");
            AssertSame(image, i => ColorJitter.Contrast(i, factor), i => ColourTwin.Contrast(i, factor), $"contrast {factor}");
            AssertSame(image, i => PixelOperations.Solarize(i, (byte)threshold), i => ColourTwin.Solarize(i, threshold), $"solarize {threshold}");
        }
    }

    [Fact]
    public void Changes_of_colour_equal_their_definition_on_all_kinds_of_colours()
    {
        Random random = new(4);
        using PixelImage colours = Colours(random);
        float[] shifts = [0, 0.003f, 0.1f, -0.1f, 0.37f, 0.5f, -0.5f], factors = [0, 0.8f, 0.99f, 1, 1.2f, 2.5f, 1e30f];
        foreach (float shift in Processor.IsRestricted ? shifts[1..4] : shifts)
        {
            AssertSame(colours, i => ColorJitter.Hue(i, shift), i => ColourTwin.Hue(i, shift), $"hue {shift}");
        }

        foreach (float factor in Processor.IsRestricted ? factors[..2] : factors)
        {
            AssertSame(colours, i => ColorJitter.Saturation(i, factor), i => ColourTwin.Saturation(i, factor), $"saturation {factor}");
        }

        AssertSame(colours, PixelOperations.Grayscale, ColourTwin.Grayscale, "grayscale");
        for (int trial = 0; trial < Trials; trial++)
        {
            using PixelImage image = Fixture.Random(Side(random, 60), Side(random, 9), trial);
            AssertSame(image, i => ColorJitter.Hue(i, 0.1f), i => ColourTwin.Hue(i, 0.1f), "hue");
            AssertSame(image, i => ColorJitter.Saturation(i, 1.2f), i => ColourTwin.Saturation(i, 1.2f), "saturation");
            AssertSame(image, PixelOperations.Grayscale, ColourTwin.Grayscale, "grayscale");
        }
    }

    /// <summary>Both forms of the hue's turn rest on what holds for each of the 2^24 colours, so each of them is tried.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(77)]
    public unsafe void Sixteen_pixels_at_a_time_have_the_hue_of_eight_for_every_colour(int steps)
    {
        Assert.SkipUnless(WidePixels.IsSupported || Processor.IsRestricted, "The processor has not the instructions.");
        const int Row = 1 << 16;
        using PixelImage wide = new(Row, 1), narrow = new(Row, 1);
        for (int red = 0; WidePixels.IsSupported && red < 256; red++)
        {
            for (int i = 0; i < Row; i++)
            {
                (wide.Pixels[3 * i], wide.Pixels[3 * i + 1], wide.Pixels[3 * i + 2]) = ((byte)red, (byte)(i >> 8), (byte)i);
            }

            wide.Pixels.CopyTo(narrow.Pixels);
            fixed (byte* first = wide.PixelsAndSlack, second = narrow.PixelsAndSlack)
            {
                for (int i = 0; i < 3 * Row; i += WidePixels.Length)
                {
                    WideHue.Rotate(first + i, steps);
                }

                for (int i = 0; i < 3 * Row; i += 24)
                {
                    HueRotation.RotateEight(second + i, steps);
                }
            }

            Fixture.AssertSame(narrow, wide, $"red {red}");
        }
    }

    [Fact]
    public void Planes_equal_their_definition()
    {
        Random random = new(5);
        for (int trial = 0; trial < Trials; trial++)
        {
            using PixelImage image = RandomImage(random, 50);
            int channels = image.Channels, count = image.Width * image.Height;
            float[] scale = [.. Enumerable.Range(0, channels).Select(_ => random.NextSingle())];
            float[] shift = [.. Enumerable.Range(0, channels).Select(_ => random.NextSingle())];
            float[] actual = new float[channels * count + 1];
            actual[^1] = 7; // nothing may be written beyond the end
            PixelPlanes.Normalize(image.Pixels, scale, shift, actual.AsSpan(..^1));
            for (int i = 0; i < image.Pixels.Length; i++)
            {
                int c = i % channels;
                float product = image.Pixels[i] * scale[c];
                Assert.Equal(product + shift[c], actual[c * count + i / channels]);
            }

            Assert.Equal(7, actual[^1]);
        }

        Assert.Throws<ArgumentException>(() => PixelPlanes.Normalize(new byte[4], [1, 1, 1], [0, 0, 0], new float[4]));
        Assert.Throws<ArgumentException>(() => PixelPlanes.Normalize(new byte[3], [1, 1, 1], [0, 0], new float[3]));
        Assert.Throws<ArgumentException>(() => PixelPlanes.Normalize(new byte[3], [1, 1, 1], [0, 0, 0], new float[2]));
    }

    private static void AssertSame(PixelImage image, Action<PixelImage> kernel, Action<PixelImage> twin, string what)
    {
        using PixelImage expected = Fixture.Copy(image), actual = Fixture.Copy(image);
        twin(expected);
        kernel(actual);
        Fixture.AssertSame(expected, actual, $"{what} of {image.Width} x {image.Height} x {image.Channels}");
    }

    private static PixelImage RandomImage(Random random, int most) =>
        Fixture.Random(Side(random, most), Side(random, most), random.Next(), ChannelCounts[random.Next(ChannelCounts.Length)]);

    private static int Side(Random random, int most) =>
        random.Next(2) == 0 ? Math.Min(most, Sides[random.Next(Sides.Length)]) : random.Next(1, most + 1);

    private static CropBox RandomBox(Random random, int width, int height)
    {
        int boxWidth = random.Next(1, width + 1), boxHeight = random.Next(1, height + 1);
        return new CropBox(random.Next(height - boxHeight + 1), random.Next(width - boxWidth + 1), boxHeight, boxWidth);
    }

    /// <summary>A grid through the cube of colours, its greys, and colours at random.</summary>
    private static PixelImage Colours(Random random)
    {
        int step = Processor.IsRestricted ? 15 : 5, side = 255 / step + 1, grid = side * side * side, greys = 256, more = Processor.IsRestricted ? 5_000 : 100_000;
        PixelImage image = new(grid + greys + more, 1);
        random.NextBytes(image.Pixels);
        for (int i = 0; i < grid; i++)
        {
            image.Pixels[3 * i] = (byte)(i % side * step);
            image.Pixels[3 * i + 1] = (byte)(i / side % side * step);
            image.Pixels[3 * i + 2] = (byte)(i / side / side * step);
        }

        for (int i = 0; i < greys; i++)
        {
            image.Pixels.Slice(3 * (grid + i), 3).Fill((byte)i);
        }

        return image;
    }
}
