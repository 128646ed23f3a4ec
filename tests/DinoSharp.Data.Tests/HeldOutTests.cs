using DinoSharp.Tests;

namespace DinoSharp.Data.Tests;

public sealed class HeldOutTests
{
    [Fact]
    public void The_labelled_split_is_tested_where_another_has_no_labels()
    {
        using TestFolder folder = new();
        folder.Write("train/a/1.png");
        folder.Write("val/a/2.png");
        folder.Write("test/3.png"); // of a challenge, say, that keeps its labels to itself
        using HeldOut sets = HeldOut.Open(folder.Path);
        Assert.Equal(("train/a/1.png", "val/a/2.png"), (sets.Train.NameOf(0), sets.Test.NameOf(0)));
    }

    [Fact]
    public void Without_splits_every_fifth_image_is_held_out_and_no_other()
    {
        using TestFolder folder = new();
        for (int i = 0; i < 11; i++)
        {
            folder.Write($"c/{i:D2}.png");
        }

        using HeldOut sets = HeldOut.Open(folder.Path);
        Assert.Equal(["c/04.png", "c/09.png"], Names(sets.Test));
        Assert.Equal(9, Names(sets.Train).Except(Names(sets.Test)).Count());
        using var train = HeldOut.OpenTrain(folder.Path);
        Assert.Equal(Names(sets.Train), Names(train));
    }

    [Fact]
    public void Sets_without_labels_are_refused_whether_they_train_or_test()
    {
        using TestFolder labelled = new();
        labelled.Write("a/1.png");
        using var unlabelled = TestFolder.OfImages(1);
        foreach (var (train, test) in new[] { (labelled, unlabelled), (unlabelled, labelled) })
        {
            var error = Assert.Throws<ImageSourceException>(() => HeldOut.Open(train.Path, test.Path));
            Assert.StartsWith(unlabelled.Path, error.Message, StringComparison.Ordinal);
        }
    }

    private static string[] Names(IImageSource source) => [.. Enumerable.Range(0, source.Count).Select(source.NameOf)];
}
