using DinoSharp.Imaging;
using DinoSharp.Tests;
using SkiaSharp;

namespace DinoSharp.Cli.Tests;

/// <summary>Drawn videos whose true masks are known: textured squares on a textured ground, each moving so many pixels a frame.</summary>
internal sealed record VideoScene(int Frames, int StepX, params (int X, int Y, int Side)[] Squares)
{
    public const int Width = 128;
    public const int Height = 64;

    /// <summary>Writes the scenes as DAVIS is laid out.</summary>
    public static void WriteDavis(TestFolder folder, params (string Name, VideoScene Scene)[] scenes)
    {
        folder.WriteText("ImageSets/2017/val.txt", string.Join('\n', scenes.Select(s => s.Name)) + "\n");
        foreach (var (name, scene) in scenes)
        {
            for (int t = 0; t < scene.Frames; t++)
            {
                folder.Write($"JPEGImages/480p/{name}/{t:D5}.jpg", scene.Jpeg(t));
                folder.Write($"Annotations/480p/{name}/{t:D5}.png", IndexedPng.Encode(scene.Mask(t)));
            }
        }
    }

    /// <summary>The true mask of a frame, or one whose squares are off by some pixels.</summary>
    public IndexedImage Mask(int t, int offX = 0)
    {
        byte[] numbers = new byte[Width * Height];
        for (int y = 0, at = 0; y < Height; y++)
        {
            for (int x = 0; x < Width; x++, at++)
            {
                numbers[at] = (byte)(SquareAt(t, x - offX, y) + 1);
            }
        }

        return new IndexedImage(Width, Height, numbers);
    }

    public byte[] Jpeg(int t)
    {
        byte[] rgba = new byte[4 * Width * Height];
        for (int y = 0, at = 0; y < Height; y++)
        {
            for (int x = 0; x < Width; x++, at += 4)
            {
                int square = SquareAt(t, x, y);
                int texture = (Hash(square < 0 ? x : x - Squares[square].X - t * StepX, y, square) & 63) - 32;
                byte[] color = square < 0 ? [90, 120, 90] : square % 3 == 0 ? Pictures.Red : square % 3 == 1 ? Pictures.Blue : [230, 220, 60];
                for (int c = 0; c < 3; c++)
                {
                    rgba[at + c] = (byte)Math.Clamp(color[c] + texture, 0, 255);
                }

                rgba[at + 3] = 255;
            }
        }

        using var image = SKImage.FromPixelCopy(new SKImageInfo(Width, Height, SKColorType.Rgba8888, SKAlphaType.Opaque), rgba);
        using var data = image.Encode(SKEncodedImageFormat.Jpeg, 95);
        return data.ToArray();
    }

    private int SquareAt(int t, int x, int y) => Array.FindIndex(
        Squares, s => x >= s.X + t * StepX && x < s.X + t * StepX + s.Side && y >= s.Y && y < s.Y + s.Side);

    private static int Hash(int x, int y, int seed)
    {
        uint hash = (uint)(x / 2 * 374761393 + y / 2 * 668265263 + seed * 2147483647);
        hash = (hash ^ (hash >> 13)) * 1274126177;
        return (int)(hash ^ (hash >> 16)) & int.MaxValue;
    }
}
