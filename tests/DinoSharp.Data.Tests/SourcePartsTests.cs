using System.Formats.Tar;
using System.Globalization;
using DinoSharp.Tests;

namespace DinoSharp.Data.Tests;

/// <summary>Sources made of others: several as one, and a share of one.</summary>
public sealed class SourcePartsTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Several_sources_are_one_with_the_classes_of_all()
    {
        Array.ForEach(["a/x/cat/1.png", "a/x/dog/2.png", "b/x/cat/3.png", "b/x/ant/4.png"], name => _folder.Write(name));
        string[] paths = [Path.Combine(_folder.Path, "a", "x"), Path.Combine(_folder.Path, "b", "x") + Path.DirectorySeparatorChar];
        using IImageSource joined = ImageSources.OpenAll(paths);
        Assert.Equal("x/cat/1.png=cat x/dog/2.png=dog x#2/ant/4.png=ant x#2/cat/3.png=cat", SourceChecks.Describe(joined));
        Assert.Equal(["ant", "cat", "dog"], joined.Classes);
        SourceChecks.AssertReadsAlike(joined, isStreamed: false);

        _folder.Write("flat/1.png");
        using IImageSource mixed = ImageSources.OpenAll([paths[0], Path.Combine(_folder.Path, "flat")]);
        Assert.Equal("x/cat/1.png=- x/dog/2.png=- flat/1.png=-", SourceChecks.Describe(mixed));
        using IImageSource single = ImageSources.OpenAll([paths[0]]);
        Assert.Equal("cat/1.png", single.NameOf(0));
    }

    [Theory]
    [InlineData(10, 4, 1, 1, 10, 10)] // the few 2.5 times each
    [InlineData(10, 4, 3, 1, 12, 4)]
    [InlineData(10, 4, 5, 2, 10, 4)]
    [InlineData(2, 7, 0.5, 0.1, 35, 7)]
    public void Weights_repeat_images_evenly(int first, int second, double firstWeight, double secondWeight, int firstCount, int secondCount)
    {
        foreach (bool streamed in new[] { false, true })
        {
            string[] paths = [Many("one", first, streamed), Many("two", second, streamed)];
            using IImageSource joined = ImageSources.OpenAll(paths, [firstWeight, secondWeight]);
            Assert.Equal(firstCount + secondCount, joined.Count);
            var times = Enumerable.Range(0, joined.Count).Select(joined.NameOf).CountBy(name => name).ToDictionary();
            Assert.Equal(first + second, times.Count); // every image
            foreach ((string prefix, int images, int count) in new[] { ("one", first, firstCount), ("two", second, secondCount) })
            {
                int[] shown = [.. times.Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal)).Select(pair => pair.Value)];
                Assert.InRange(shown.Min(), count / images, count / images);
                Assert.InRange(shown.Max(), count / images, (count + images - 1) / images);
            }

            SourceChecks.AssertReadsAlike(joined, streamed);
        }
    }

    [Fact]
    public void Images_that_are_shown_once_more_are_spread_over_their_source()
    {
        using IImageSource joined = ImageSources.OpenAll([Many("one", 10, streamed: false), Many("two", 4, streamed: false)], [3, 1]);
        var again = Enumerable.Range(0, joined.Count).Select(joined.NameOf).CountBy(name => name).Where(pair => pair.Value == 2);
        Assert.Equal(["one/0000.png", "one/0005.png"], again.Select(pair => pair.Key));
    }

    [Fact]
    public void Weights_that_cannot_be_are_refused()
    {
        string[] paths = [Many("one", 3, streamed: false), Many("two", 3, streamed: false)];
        foreach (double[] weights in new double[][] { [1], [1, 0], [1, -1], [1, double.NaN], [1, double.PositiveInfinity] })
        {
            Assert.Contains("2 weights above 0", Assert.Throws<ImageSourceException>(() => ImageSources.OpenAll(paths, weights)).Message);
        }

        Assert.Contains("epoch", Assert.Throws<ImageSourceException>(() => ImageSources.OpenAll(paths, [1, 1e-9])).Message);
        Assert.Contains("no such", Assert.Throws<ImageSourceException>(() => ImageSources.OpenAll([paths[0], "/nowhere"])).Message);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_share_is_chosen_by_names_and_stays_when_images_come(bool streamed)
    {
        string path = Many("set", 400, streamed);
        string[] all = Names(null), most = Names("[:90%]"), rest = Names("[90%:]"), middle = Names("[20%:50.5%]");
        Assert.Equal(all.Order(), most.Concat(rest).Order());
        Assert.InRange(rest.Length, 20, 60);
        Assert.InRange(middle.Length, 90, 155);
        Assert.Empty(middle.Except(most));
        Assert.Equal(all, Names("[:]"));
        Many("set", 600, streamed);
        Assert.Equal(rest, Names("[90%:]").Intersect(all));

        using IImageSource share = ImageSources.Open(path, "[90%:]");
        SourceChecks.AssertReadsAlike(share, streamed);

        string[] Names(string? split)
        {
            using IImageSource source = ImageSources.Open(path, split);
            return [.. Enumerable.Range(0, source.Count).Select(source.NameOf)];
        }
    }

    [Fact]
    public void A_share_may_be_of_a_split_and_of_several_sources()
    {
        for (int i = 0; i < 50; i++)
        {
            _folder.Write($"s/train/{i}.png");
            _folder.Write($"s/test/{i}.png");
        }

        string path = Path.Combine(_folder.Path, "s");
        using IImageSource test = ImageSources.Open(path, "test[:50%]"), other = ImageSources.Open(path, "test[50%:]");
        Assert.Equal(50, test.Count + other.Count);
        Assert.StartsWith("test/", test.NameOf(0));
        using IImageSource both = ImageSources.OpenAll([path, path], split: "test[:50%]");
        Assert.Equal(2 * test.Count, both.Count);
        foreach (string split in new[] { "train[", "train[90%]", "[90:]", "[:120%]", "[50%:20%]", "[a%:]", "[:10%]x", "[10%:10%]" })
        {
            SourceChecks.AssertRefused(path, "cannot be understood; write it like", split);
        }

        SourceChecks.AssertRefused(path, "none of its images is chosen", "[0%:0.0001%]");
    }

    [Fact]
    public void Images_held_out_of_shards_are_streamed()
    {
        using HeldOut sets = HeldOut.Open(Many("set", 23, streamed: true, labelled: true));
        Assert.Equal((19, 4), (sets.Train.Count, sets.Test.Count));
        SourceChecks.AssertReadsAlike(sets.Train, isStreamed: true);
        SourceChecks.AssertReadsAlike(sets.Test, isStreamed: true);
        Assert.Throws<ArgumentException>(() => SubsetSource.InOrder(sets.Train, [2, 1]));
    }

    /// <summary>A set of small images: a folder, or shards of 5.</summary>
    private string Many(string name, int count, bool streamed, bool labelled = false)
    {
        string path = Path.Combine(_folder.Path, streamed ? "shards" : "files", name);
        for (int i = 0; i < count && !streamed; i++)
        {
            _folder.Write(Path.Combine(path, $"{i:D4}.png"), TestFolder.Png(i, 4, 4));
        }

        foreach (int[] shard in Enumerable.Range(0, streamed ? count : 0).Chunk(5))
        {
            _folder.Write(Path.Combine(path, $"{shard[0]:D4}.tar"), ImageArchives.Tar(TarEntryFormat.Ustar, [.. shard.SelectMany(Sample)]));
        }

        return path;

        (string, byte[])[] Sample(int i) => labelled
            ? [(Key(i) + ".png", TestFolder.Png(i, 4, 4)), (Key(i) + ".cls", [(byte)('0' + i % 3)])]
            : [(Key(i) + ".png", TestFolder.Png(i, 4, 4))];

        static string Key(int i) => i.ToString("D4", CultureInfo.InvariantCulture);
    }
}
