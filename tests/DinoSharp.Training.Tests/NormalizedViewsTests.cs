using DinoSharp.Data;
using DinoSharp.Tests;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Training.Tests;

/// <summary>Batches that are copied to a GPU while it computes with the one before.</summary>
public sealed class NormalizedViewsTests
{
    private static readonly MultiCropRecipe Recipe = new(new() { GlobalSize = 16, LocalSize = 8, LocalCount = 2 });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Batches_copied_ahead_are_those_of_the_loader(bool eager)
    {
        using TestFolder folder = TestFolder.OfImages(48);
        using var source = ImageSources.Open(folder.Path);
        FakeGpu gpu = new(eager);
        string[] expected = Epoch(null), found = Epoch(gpu);
        Assert.Equal(11, expected.Distinct().Count());
        Assert.Equal(expected, found);
        Assert.Equal(22, gpu.Copies);
        Assert.Equal(11, gpu.Finishes); // each batch goes back to the loader, none of them earlier than two later
        Assert.Equal(0, gpu.Handles);

        string[] Epoch(FakeGpu? by)
        {
            using PrefetchLoader loader = new(source, Recipe, new() { BatchSize = 4, Threads = 2, Prefetch = 1, Seed = 9 });
            List<string> batches = [];
            foreach (var batch in new NormalizedViews(loader, PixelNormalization.ImageNet, CPU, by).Epoch(epoch: 1, firstBatch: 1))
            {
                batches.Add($"{string.Join(" ", batch.Images)}: {string.Join(" ", batch.Crops.Select(crop => Convert.ToHexString(crop.bytes)))}");
                if (by is not null && batches.Count < 11)
                {
                    Assert.Equal(2 * (batches.Count + 1), by.Copies); // the next is on its way
                    Assert.Equal(Math.Max(batches.Count - 1, 0), by.Finishes); // the batch before was waited for, this one is not
                }
            }

            return [.. batches];
        }
    }

    [Fact]
    public void An_epoch_that_is_left_early_leaves_nothing_behind()
    {
        using TestFolder folder = TestFolder.OfImages(24);
        using var source = ImageSources.Open(folder.Path);
        FakeGpu gpu = new(eager: false);
        using (PrefetchLoader loader = new(source, Recipe, new() { BatchSize = 4, Threads = 1, Seed = 9 }))
        {
            NormalizedViews views = new(loader, PixelNormalization.ImageNet, CPU, gpu);
            _ = views.Epoch(0, 0).First();
            Assert.Equal(0, gpu.Handles);
            Assert.Equal(6, views.Epoch(0, 0).Count());
        }

        Assert.Equal(0, gpu.Handles);
    }
}
