using DinoSharp.Evaluation.Video.Davis;
using DinoSharp.Imaging;
using DinoSharp.Tests;

namespace DinoSharp.Evaluation.Tests.Video;

public sealed class MaskMeasuresTests
{
    [Fact]
    public void Pairs_of_masks_are_measured_as_the_public_evaluation_does()
    {
        var pairs = Golden.Json("video/measures.json").EnumerateObject().ToArray();
        Assert.Equal(5, pairs.Length);
        foreach (var pair in pairs)
        {
            ObjectMask truth = Mask($"{pair.Name}-truth"), guess = Mask($"{pair.Name}-guess");
            Assert.Equal(pair.Value.GetProperty("j").GetDouble(), MaskMeasures.RegionSimilarity(truth, guess), 1e-9);
            Assert.Equal(pair.Value.GetProperty("f").GetDouble(), MaskMeasures.BoundaryAccuracy(truth, guess), 1e-9);
            Assert.Equal(pair.Value.GetProperty("truth-boundary-pixels").GetInt32(), truth.Boundary().Count);
            Assert.Equal(pair.Value.GetProperty("guess-boundary-pixels").GetInt32(), guess.Boundary().Count);
            Assert.Equal(pair.Value.GetProperty("boundary-tolerance-pixels").GetDouble(), MaskMeasures.RadiusOf(truth.Width, truth.Height));
        }

        foreach (string name in new[] { "pair0-160x120-truth", "pair1-320x240-truth" })
        {
            ObjectMask expected = Mask(name + "-boundary"), actual = Mask(name).Boundary();
            Assert.Equal((expected.Count, expected.Count), (actual.Count, expected.CountAnd(actual)));
        }
    }

    [Theory]
    [InlineData(64, 20, 1)]
    [InlineData(65, 31, 4)]
    [InlineData(127, 9, 8)]
    [InlineData(1, 1, 2)]
    public void A_dilated_mask_has_all_pixels_within_the_disk(int width, int height, int radius)
    {
        byte[] pixels = new byte[width * height];
        var random = new Random(width);
        for (int i = 0; i < pixels.Length; i++)
        {
            pixels[i] = (byte)(random.Next(50) == 0 ? 1 : 0);
        }

        pixels[^1] = 1;
        var dilated = ObjectMask.Of(pixels, width, height, 1).Dilated(radius);
        int count = 0;
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                bool near = Enumerable.Range(0, pixels.Length).Any(i => pixels[i] == 1
                    && (i % width - x) * (i % width - x) + (i / width - y) * (i / width - y) <= radius * radius);
                Assert.Equal(near, dilated[x, y]);
                count += near ? 1 : 0;
            }
        }

        Assert.Equal(count, dilated.Count); // no bits behind the last pixel
    }

    /// <summary>By hand: of 1 .. 10 the bins are frames 1-3, 3-6, 6-8 and 8-10 (the places 1, 3.25, 5.5, 7.75, 10).</summary>
    [Fact]
    public void Decay_is_the_first_bin_less_the_last()
    {
        var statistics = MeasureStatistics.Of([1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]);
        Assert.Equal(0.55, statistics.Mean, 1e-12);
        Assert.Equal(0.5, statistics.Recall, 1e-12); // 0.5 is not above one half
        Assert.Equal(0.9 - 0.2, statistics.Decay, 1e-12);
        Assert.Equal(0, MeasureStatistics.Of([0.7]).Decay, 1e-12);
    }

    private static ObjectMask Mask(string name)
    {
        var image = IndexedPng.Load(Golden.PathOf($"video/masks/{name}.png"));
        return ObjectMask.Of(image.Indices, image.Width, image.Height, image.Indices.Contains((byte)255) ? (byte)255 : (byte)1);
    }
}
