using DinoSharp.Training.Memory;

namespace DinoSharp.Training.Tests;

/// <summary>What follows from a measured need: 100 bytes whatever the batch, the 64 MB for all that is not a step among them, 10 an image, gradients of 20.</summary>
public sealed class MemoryNeedTests
{
    private static readonly MemoryNeed Need = new(FixedBytes: 100 - (64 << 20), BytesPerImage: 10, GradientBytes: 20, PixelsPerImage: 0, LeastImages: 2);

    [Theory]
    [InlineData(64, 1, 740)]
    [InlineData(64, 4, 280)] // 16 images at once, and the gradients of the parts before
    public void A_batch_takes_what_passes_at_once(int batch, int parts, long bytes) => Assert.Equal(bytes, Need.Of(batch, parts));

    [Theory]
    [InlineData(740, 64)]
    [InlineData(739, 56)]
    [InlineData(300, 16)]
    [InlineData(179, 4)]
    [InlineData(120, 2)]
    [InlineData(119, 0)] // batch norm needs two
    public void The_largest_batch_is_a_multiple_of_8_or_a_small_power_of_two(long limit, int batch) =>
        Assert.Equal(batch, Need.LargestBatch(limit, most: 64));

    [Theory]
    [InlineData(740, 1)]
    [InlineData(739, 2)]
    [InlineData(280, 4)]
    [InlineData(139, 0)]
    public void Parts_are_as_few_as_fit(long limit, int parts) => Assert.Equal(parts, Need.FewestParts(limit, batchSize: 64));

    [Fact]
    public void Pixels_loaded_ahead_and_those_of_other_parts_are_counted()
    {
        var need = Need with { PixelsPerImage = 1000 };
        Assert.Equal(100 + 640 + 3 * 64_000, need.Of(64));
        Assert.Equal(100 + 160 + 20 + 3 * 64_000 + 4 * 64_000, need.Of(64, parts: 4));
    }
}
