using DinoSharp.Imaging;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

/// <summary>Pictures that tests write, and files that are none.</summary>
internal static class Pictures
{
    public static readonly byte[] Red = [220, 40, 30], Blue = [30, 60, 210], Green = [40, 190, 60];

    /// <summary>A PNG of noise around a colour, other for each seed.</summary>
    public static byte[] Noisy(byte[] color, int seed, int width = 40, int height = 32)
    {
        using PixelImage image = new(width, height);
        var random = new Random(seed);
        for (int i = 0; i < image.Pixels.Length; i++)
        {
            image.Pixels[i] = (byte)Math.Clamp(color[i % 3] + random.Next(-60, 61), 0, 255);
        }

        return PngWriter.Encode(image);
    }

    /// <summary>Writes CLASS/000.png and so on.</summary>
    public static void WriteClass(this TestFolder folder, string name, byte[] color, int count)
    {
        for (int i = 0; i < count; i++)
        {
            folder.Write($"{name}/{i:D3}.png", Noisy(color, i));
        }
    }

    /// <summary>Writes files that look like images by name and cannot be used; the last is a single pixel.</summary>
    /// <returns>their names</returns>
    public static string[] WriteDamaged(this TestFolder folder, string name)
    {
        folder.Write($"{name}/empty.png", []);
        folder.Write($"{name}/truncated.png", Noisy(Red, 1)[..700]);
        folder.WriteText($"{name}/words.jpg", "this is no image");
        folder.Write($"{name}/bomb.png", File.ReadAllBytes(TestFolder.Fixture("pictures/bomb.png")));
        folder.Write($"{name}/pixel.png", Noisy(Red, 2, 1, 1));
        return ["empty.png", "truncated.png", "words.jpg", "bomb.png", "pixel.png"];
    }
}
