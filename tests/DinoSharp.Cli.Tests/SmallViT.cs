using DinoSharp.Imaging;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Weights;
using DinoSharp.Tests;
using static TorchSharp.torch;

namespace DinoSharp.Cli.Tests;

/// <summary>The Vision Transformer of fixtures/vit: patches of 8, trained at 64 x 64, 48 dimensions, 3 heads.</summary>
internal static class SmallViT
{
    public const int Side = 64;
    public const int Dim = 48;

    public static string Path { get; } = TestFolder.Fixture("vit/weights.pth");

    /// <summary>The options of a command that uses it.</summary>
    public static string[] Options { get; } = ["--weights", Path, "--num-heads", "3"];

    public static VisionTransformer Load() => (VisionTransformer)Pretrained.Load(Path, heads: 3).Backbone;

    /// <summary>A picture as networks see it, by the definition of the normalisation.</summary>
    /// <returns>// float32 [1, 3, H, W]</returns>
    public static Tensor Normalized(PixelImage picture)
    {
        float[] mean = [0.485f, 0.456f, 0.406f], std = [0.229f, 0.224f, 0.225f];
        float[] values = new float[picture.Pixels.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (picture.Pixels[i] / 255f - mean[i % 3]) / std[i % 3];
        }

        return tensor(values, [1, picture.Height, picture.Width, 3]).permute(0, 3, 1, 2).contiguous();
    }
}
