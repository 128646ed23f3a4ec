using DinoSharp.Evaluation.Attention;
using DinoSharp.Evaluation.Attention.Segmentation;
using DinoSharp.Imaging;
using DinoSharp.Tests;

namespace DinoSharp.Evaluation.Tests.Attention.Segmentation;

public sealed class MaskJaccardTests
{
    // Masks of 70 % of the mass: head 0 keeps the left column, head 1 the right one, their mean all but the upper right patch.
    private static readonly AttentionMap[] Heads =
    [
        new([0.45f, 0.05f, 0.5f, 0], 2, 2, 4),
        new([0, 0.35f, 0.05f, 0.6f], 2, 2, 4),
    ];

    [Fact]
    public void Each_object_is_held_against_each_heads_mask_and_the_means()
    {
        var labels = Labels(
            "1120",
            "1120",
            "1122",
            "1122");

        var objects = MaskJaccard.Of(Heads, labels, 0.7);

        Assert.Equal([1, 2], objects.Select(o => o.Label));
        Assert.Equal([1.0, 0], objects[0].Heads);
        Assert.Equal([0, 6 / 8.0], objects[1].Heads);
        Assert.Equal(8 / 12.0, objects[0].MeanMap);
        Assert.Equal(4 / (6.0 + 12 - 4), objects[1].MeanMap);
    }

    [Fact]
    public void Void_pixels_count_neither_for_nor_against()
    {
        var labels = Labels(
            "vv00",
            "1100",
            "11vv",
            "1100");
        Assert.Equal([1.0, 0], Assert.Single(MaskJaccard.Of(Heads, labels, 0.7)).Heads);
    }

    [Fact]
    public void A_pixel_lies_under_the_patch_that_has_its_centre()
    {
        var labels = Labels("110", "110", "110"); // the middle column's centres are the right patches' first
        var heads = Assert.Single(MaskJaccard.Of(Heads, labels, 0.7)).Heads;
        Assert.Equal([3 / 6.0, 3 / 9.0], heads);
    }

    [Fact]
    public void The_score_is_a_mean_over_images_of_means_over_objects()
    {
        var score = SegmentationScore.Of(
        [
            new ImageJaccard("a", [new ObjectJaccard(1, [0.2, 0.6], 0.3), new ObjectJaccard(2, [0.4, 0.2], 0.1)]),
            new ImageJaccard("b", [new ObjectJaccard(1, [0.1, 0.3], 0.4)]),
            new ImageJaccard("background", []),
        ]);
        Assert.Equal((3, 2, 3), (score.Images, score.Judged, score.Objects));
        Assert.Equal((0.5 + 0.3) / 2, score.BestHead, 12);
        Assert.Equal((0.35 + 0.2) / 2, score.MeanOfHeads, 12);
        Assert.Equal((0.2 + 0.4) / 2, score.MeanMap, 12);
        Assert.Equal((0.3 + 0.1) / 2, score.Heads[0], 12);
        Assert.Equal((0.4 + 0.3) / 2, score.Heads[1], 12);
        Assert.Throws<EvaluationException>(() => SegmentationScore.Of([new ImageJaccard("background", [])]));
    }

    /// <summary>
    /// fixtures/attention: random attention and three boxes, thresholded and compared in PyTorch by the formula that the paper's author gave
    /// (facebookresearch/dino, issue 54).
    /// </summary>
    [Fact]
    public void The_similarities_are_those_of_the_published_formula()
    {
        var golden = Golden.Json("attention/jaccard.json");
        int rows = golden.GetProperty("rows").GetInt32(), columns = golden.GetProperty("columns").GetInt32();
        int patch = golden.GetProperty("patch_size").GetInt32();
        AttentionMap[] heads =
        [
            .. golden.GetProperty("attention").EnumerateArray().Select(
                head => new AttentionMap([.. head.EnumerateArray().Select(weight => weight.GetSingle())], rows, columns, patch)),
        ];
        byte[] labels = new byte[rows * patch * columns * patch];
        foreach (var box in golden.GetProperty("boxes").EnumerateArray())
        {
            int[] sides = [.. box.EnumerateArray().Select(side => side.GetInt32())]; // label, top, bottom, left, right
            for (int y = sides[1]; y < sides[2]; y++)
            {
                labels.AsSpan(y * columns * patch)[sides[3]..sides[4]].Fill((byte)sides[0]);
            }
        }

        var objects = MaskJaccard.Of(heads, new IndexedImage(columns * patch, rows * patch, labels), golden.GetProperty("threshold").GetDouble());

        foreach (var (expected, actual) in golden.GetProperty("objects").EnumerateArray().Zip(objects))
        {
            Assert.Equal(expected.GetProperty("label").GetInt32(), actual.Label);
            Assert.Equal(expected.GetProperty("mean_map").GetDouble(), actual.MeanMap, 1e-6);
            Assert.All(expected.GetProperty("heads").EnumerateArray().Zip(actual.Heads), pair => Assert.Equal(pair.First.GetDouble(), pair.Second, 1e-6));
        }

        Assert.Equal(golden.GetProperty("jaccard").GetDouble(), SegmentationScore.Of([new ImageJaccard("golden", objects)]).BestHead, 1e-6);
    }

    /// <summary>Labels drawn in rows of digits; v is void.</summary>
    private static IndexedImage Labels(params string[] rows) => new(
        rows[0].Length,
        rows.Length,
        [.. string.Concat(rows).Select(c => c == 'v' ? MaskJaccard.Void : (byte)(c - '0'))]);
}
