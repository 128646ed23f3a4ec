using DinoSharp.Evaluation.Video;
using DinoSharp.Imaging;
using DinoSharp.Models.Backbones;
using DinoSharp.Tests;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Tests.Video;

/// <summary>Held against what the reference computes, number by number.</summary>
public sealed class PropagationGoldenTests
{
    private static readonly PropagationOptions Options = new() { ImageSide = 64, LastFrames = 2, Neighborhood = 3 };

    [Fact]
    public void Every_frame_is_seen_and_labelled_as_in_the_reference()
    {
        using var golden = Golden.Read("video/propagation.safetensors");
        using var network = Network();
        using var first = Frame(0);
        using var segmenter = new VideoSegmenter(network, first, IndexedPng.Load(Golden.PathOf("video/first-mask.png")), Options);

        Assert.Equal([1, 2], segmenter.Objects);
        Assert.Empty(segmenter.Lost);
        for (int t = 1; t < 4; t++)
        {
            using var frame = Frame(t);
            using var scope = NewDisposeScope();
            Golden.AssertClose(golden[$"frame{t}.input"], FrameView.Of(frame, 64)[0], 1e-6, $"input {t}");
            var expected = nn.functional.normalize(golden[$"frame{t}.features"], 2, 1);
            Golden.AssertClose(expected, PatchFeatures.Of(network, frame, 64, "frame").view(64, 48), 1e-5, $"features {t}");

            var mask = segmenter.Next(frame);

            var soft = tensor(segmenter.State().Labels[^1], [8, 8, 3]).permute(2, 0, 1).unsqueeze(0); // [1, labels, h, w]
            Golden.AssertClose(golden[$"frame{t}.labels"], soft, 1e-4, $"labels {t}");
            Assert.Equal(IndexedPng.Load(Golden.PathOf($"video/result/{t:D5}.png")).Indices, mask.Indices);
        }
    }

    [Fact]
    public void Frames_and_masks_are_resized_as_in_the_reference()
    {
        using var source = ImageDecoder.Load(Golden.PathOf("video/resize-source.png"));
        foreach (int side in new[] { 64, 96 })
        {
            using var golden = Golden.Read($"video/resize-frame-{side}.safetensors");
            using var scope = NewDisposeScope();
            Golden.AssertClose(golden["output"], FrameView.Of(source, side)[0], 0.02, $"side {side}");
        }

        using var masks = Golden.Read("video/resize-mask-192.safetensors");
        var small = IndexedPng.Load(Golden.PathOf("video/resize-mask-source.png")).Resize(32, 24);
        using var numbers = masks["one-hot"].argmax(1).to(ScalarType.Byte).contiguous(); // [1, 24, 32]
        Assert.Equal(numbers.bytes.ToArray(), small.Indices);
    }

    /// <summary>The squares, the ring and the search for the largest, against the definition on all pairs of patches.</summary>
    [Theory]
    [InlineData(12, 7, 5)]
    [InlineData(3, 2, 1)]
    [InlineData(0, 3, 5)] // any distance
    [InlineData(1, 1, 20)] // fewer neighbours than k
    [InlineData(4, 0, 5)] // only the first frame
    public void Any_grid_and_setting_gives_what_the_definition_says(int neighborhood, int lastFrames, int k)
    {
        const int rows = 17, columns = 29, dim = 24, labels = 4, frames = 6;
        using var scope = NewDisposeScope();
        manual_seed(3);
        var options = new PropagationOptions { Neighborhood = neighborhood, LastFrames = lastFrames, TopK = k };
        var features = Enumerable.Range(0, frames)
            .Select(_ => nn.functional.normalize(randn(rows * columns, dim), 2, 1)).ToArray(); // [M, D]
        var all = new List<Tensor> { nn.functional.one_hot(randint(0, labels, [rows * columns]), labels).to(ScalarType.Float32) };
        using var propagation = new LabelPropagation(features[0].view(rows, columns, dim), [.. all[0].data<float>()], options);
        for (int t = 1; t < frames; t++)
        {
            int[] context = [0, .. Enumerable.Range(Math.Max(1, t - lastFrames), Math.Min(t - 1, lastFrames))];
            all.Add(Definition(features[t], [.. context.Select(c => features[c])], [.. context.Select(c => all[c])]));
            var actual = tensor(propagation.Next(features[t].view(rows, columns, dim)), [rows * columns, labels]);
            Golden.AssertClose(all[t], actual, 1e-5, $"frame {t}");
        }

        Tensor Definition(Tensor target, Tensor[] sources, Tensor[] soft)
        {
            var y = arange(rows).repeat_interleave(columns);
            var x = arange(columns).repeat(rows);
            var near = (y.unsqueeze(1) - y).abs().le(neighborhood) & (x.unsqueeze(1) - x).abs().le(neighborhood); // [M, M]
            var affinity = exp(target.matmul(cat(sources).t()) / 0.1); // [M, context M]
            affinity = neighborhood > 0 ? affinity * near.repeat(1, sources.Length) : affinity;
            var least = affinity.topk(k, 1).values.min(1, keepdim: true).values;
            affinity = affinity.masked_fill(affinity < least, 0);
            return (affinity / affinity.sum(1, keepdim: true)).matmul(cat(soft)); // [M, labels]
        }
    }

    [Fact]
    public void A_segmentation_that_goes_on_later_has_the_same_bits()
    {
        using var network = Network();
        var mask = IndexedPng.Load(Golden.PathOf("video/first-mask.png"));
        PixelImage[] frames = [.. Enumerable.Range(0, 4).Select(Frame)];
        using var whole = new VideoSegmenter(network, frames[0], mask, Options);
        using var interrupted = new VideoSegmenter(network, frames[0], mask, Options);
        foreach (int t in new[] { 1, 2, 3, 2 })
        {
            whole.Next(frames[t]);
            interrupted.Next(frames[t]);
        }

        string path = Path.Combine(Directory.CreateTempSubdirectory("dinosharp-").FullName, "state.safetensors");
        interrupted.State().Save(path, "request");
        using var resumed = new VideoSegmenter(network, frames[0], mask, Options);
        resumed.Resume(PropagationState.Load(path, "request"), [Frame(3), Frame(2)]);

        Assert.Equal(5, resumed.Frames);
        Assert.Equal(whole.Next(frames[1]).Indices, resumed.Next(frames[1]).Indices);
        Assert.Equal(whole.State().Labels[^1], resumed.State().Labels[^1]);
        Assert.Contains("other weights", Assert.Throws<EvaluationException>(() => PropagationState.Load(path, "another")).Message, StringComparison.Ordinal);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    private static VisionTransformer Network() => (VisionTransformer)Models.Weights.Pretrained.Load(Golden.PathOf("vit/weights.safetensors"), heads: 3).Backbone;

    private static PixelImage Frame(int t) => ImageDecoder.Load(Golden.PathOf($"video/frames/{t:D5}.png"));
}
