using DinoSharp.Imaging;
using DinoSharp.Tests;

namespace DinoSharp.Data.Tests;

public class SurveyTests
{
    [Fact]
    public void TheSamePictureInOtherSizesAndShadesLooksAlike()
    {
        using PixelImage landscape = TestFolder.FixtureImage("landscape.png"), portrait = TestFolder.FixtureImage("portrait.png");
        PictureHash hash = PictureHash.Of(landscape)!.Value;
        foreach ((int width, int height) in new[] { (landscape.Width / 2, landscape.Height / 2), (97, 61), (400, 300) })
        {
            using PixelImage resized = new(width, height);
            Resampler.Resize(landscape, CropBox.Whole(landscape), resized, ResampleFilter.Bicubic);
            ColorJitter.Brightness(resized, 0.8f);
            Assert.InRange(PictureHash.Of(resized)!.Value.DistanceTo(hash), 0, NearDuplicates.MostBits);
            Assert.NotEqual(PictureHash.OfPixels(landscape), PictureHash.OfPixels(resized));
        }

        Assert.True(PictureHash.Of(portrait)!.Value.DistanceTo(hash) > 3 * NearDuplicates.MostBits);
        using PixelImage flat = new(40, 30);
        flat.Pixels.Fill(7);
        Assert.Null(PictureHash.Of(flat));
    }

    [Fact]
    public void AStreamedSourceIsReadRunByRunAndEachRunOnce()
    {
        using StreamedSource source = new(count: 60, runs: 6) { Broken = 4 };
        int done = 0;
        DataSurvey survey = DataSurvey.Of(source, new() { Threads = 4 }, _ => Interlocked.Increment(ref done));
        Assert.Equal(60, done);
        Assert.Equal((0, 0), (source.RandomLoads, source.OpenReaders));
        Assert.Equal([0, 1, 2, 3, 5], source.Opened.ToArray());
        Assert.Equal([.. Enumerable.Range(0, 40), .. Enumerable.Range(50, 10)], survey.Usable);
        Assert.Equal(Enumerable.Range(40, 10), survey.Faults.Select(fault => fault.Index));
        Assert.Equal((6, 5), survey.SizeOf(59));
        Assert.Empty(survey.ExactDuplicates);
    }

    [Fact]
    public void APictureOfAnyLengthHasAHash()
    {
        using PixelImage column = new(1, 34_000_000, channels: 1); // more rows than could be resized at once
        column.Pixels.Fill(7);
        Assert.Null(PictureHash.Of(column));
    }

    [Fact]
    public void PixelsOfOtherSizesAreOtherPictures()
    {
        using PixelImage wide = new(6, 4), high = new(4, 6), grey = new(12, 6, 1);
        wide.Pixels.Clear();
        high.Pixels.Clear();
        grey.Pixels.Clear();
        Assert.Equal(3, new[] { wide, high, grey }.Select(PictureHash.OfPixels).Distinct().Count());
    }

    [Fact]
    public void NearHashesAreFoundAmongManyAndFarOnesAreNotJoined()
    {
        const int Count = 30_000;
        Random random = new(4);
        PictureHash?[] hashes = [.. Enumerable.Range(0, Count).Select(_ => (PictureHash?)new PictureHash(Bits(), Bits()))];
        hashes[7] = null; // flat
        hashes[8] = null;
        for (int i = 0; i < 50; i++)
        {
            ulong flips = Enumerable.Range(0, i % 8).Aggregate(0UL, (bits, _) => bits | 1UL << random.Next(64)); // up to 7
            hashes[1000 + i] = new PictureHash(hashes[i + 100]!.Value.Across ^ flips, hashes[i + 100]!.Value.Down);
        }

        IReadOnlyList<int[]> groups = NearDuplicates.Groups(hashes);
        Assert.Equal(Enumerable.Range(100, 50).Select(i => new[] { i, i + 900 }), groups.OrderBy(group => group[0]));

        ulong Bits() => (ulong)random.NextInt64(long.MinValue, long.MaxValue);
    }

    [Fact]
    public void AChainOfPicturesEachLikeTheNextIsNotOneGroup()
    {
        PictureHash?[] chain = [.. Enumerable.Range(0, 64).Select(i => (PictureHash?)new PictureHash((1UL << i) - 1, 0))]; // a bit more each
        IReadOnlyList<int[]> groups = NearDuplicates.Groups(chain);
        Assert.All(groups, group => Assert.True(chain[group[0]]!.Value.DistanceTo(chain[group[^1]]!.Value) <= 2 * NearDuplicates.MostBits));
        Assert.InRange(groups.Count, 64 / (2 * NearDuplicates.MostBits), 64 / 2);
    }

    [Fact]
    public void AlmostEmptyPicturesByTheThousandTakeNoTime()
    {
        Random random = new(4);
        PictureHash?[] hashes = [.. Enumerable.Range(0, 50_000).Select(_ => (PictureHash?)new PictureHash(0, (ulong)random.NextInt64() >> 8))];
        long start = TimeProvider.System.GetTimestamp();
        NearDuplicates.Groups(hashes);
        Assert.True(TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(20)); // all pairs of five parts would take hours
    }
}
