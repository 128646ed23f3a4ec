using DinoSharp.Evaluation.Attention.Segmentation;
using DinoSharp.Imaging;
using DinoSharp.Models.Backbones;
using TorchSharp;

namespace DinoSharp.Evaluation.Tests.Attention.Segmentation;

public sealed class JaccardLogTests : IDisposable
{
    private static readonly ImageJaccard A = new("a", [new ObjectJaccard(3, [1 / 3.0, 0.1], 0.7)]), B = new("b", []);

    private readonly string _folder = Directory.CreateTempSubdirectory("dinosharp-").FullName;

    private string Log => Path.Combine(_folder, "new", "log.jsonl");

    [Fact]
    public void What_was_measured_is_there_again_and_half_a_line_is_dropped()
    {
        using var network = Network(1);
        using (var log = Open(network))
        {
            log.Add(A);
            log.Add(B);
        }

        string whole = File.ReadAllText(Log);
        File.WriteAllText(Log, whole + """{"image":"c","obj""");
        using (var log = Open(network))
        {
            Assert.Equal(2, log.Count);
            Assert.Equal(A.Objects[0].Heads, log.Find("a")!.Objects[0].Heads); // to the bit
            Assert.Equal((3, 0.7), (log.Find("a")!.Objects[0].Label, log.Find("a")!.Objects[0].MeanMap));
            Assert.Empty(log.Find("b")!.Objects);
            Assert.Null(log.Find("c"));
        }

        Assert.Equal(whole, File.ReadAllText(Log));
    }

    [Fact]
    public void A_log_of_other_weights_settings_or_images_is_not_gone_on_with()
    {
        using VisionTransformer network = Network(1), other = Network(2);
        Open(network).Dispose();
        Refused(() => Open(other));
        Refused(() => Open(network, new SegmentationOptions { Mass = 0.5 }));
        Refused(() => Open(network, new SegmentationOptions { Width = 64 }));
        Refused(() => Open(network, decoding: new DecodeOptions { ApplyOrientation = true }));
        Refused(() => Open(network, decoding: new DecodeOptions { Background = new PixelColor(1, 2, 3) }));
        Refused(() => Open(network, pictures: "elsewhere"));
        Open(network).Dispose();
        File.AppendAllText(Log, "no JSON\n");
        Refused(() => Open(network));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private JaccardLog Open(
        VisionTransformer network, SegmentationOptions? options = null, DecodeOptions? decoding = null, string pictures = "pictures") =>
        JaccardLog.Open(Log, network, options ?? new(), decoding ?? new(), [pictures, "masks"]);

    private void Refused(Func<JaccardLog> open)
    {
        string message = Assert.Throws<EvaluationException>(() => open()).Message;
        Assert.StartsWith(Log, message, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", message, StringComparison.Ordinal);
    }

    private static VisionTransformer Network(int seed)
    {
        torch.random.manual_seed(seed);
        return new(new() { PatchSize = 4, EmbedDim = 8, Depth = 1, Heads = 2, ImageSize = 16 });
    }
}
