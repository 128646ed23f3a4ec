using DinoSharp.Imaging;

namespace DinoSharp.Evaluation.Video;

/// <summary>Frames with the objects of their masks in colour.</summary>
public static class VideoOverlay
{
    /// <summary>A new picture: objects half covered by their colours, with outlines.</summary>
    /// <param name="frame">RGB</param>
    /// <param name="mask">of the same size</param>
    public static PixelImage Draw(PixelImage frame, IndexedImage mask)
    {
        if ((frame.Width, frame.Height, frame.Channels) != (mask.Width, mask.Height, 3))
        {
            throw new ArgumentException($"a mask of {mask.Width} x {mask.Height} pixels needs an RGB frame of its size", nameof(frame));
        }

        var picture = new PixelImage(frame.Width, frame.Height);
        frame.Pixels.CopyTo(picture.Pixels);
        ReadOnlySpan<byte> numbers = mask.Indices;
        var pixels = picture.Pixels;
        for (int y = 0, at = 0; y < mask.Height; y++)
        {
            for (int x = 0; x < mask.Width; x++, at++)
            {
                byte number = numbers[at];
                if (number == 0 || number >= mask.Palette.Length)
                {
                    continue;
                }

                bool outline = (x > 0 && numbers[at - 1] != number) || (x + 1 < mask.Width && numbers[at + 1] != number)
                    || (y > 0 && numbers[at - mask.Width] != number) || (y + 1 < mask.Height && numbers[at + mask.Width] != number);
                var color = mask.Palette[number];
                Blend(ref pixels[3 * at], color.Red, outline);
                Blend(ref pixels[3 * at + 1], color.Green, outline);
                Blend(ref pixels[3 * at + 2], color.Blue, outline);
            }
        }

        return picture;
    }

    /// <summary>Outlines are the colour at its brightest, halfway to white, so that they show on any picture.</summary>
    private static void Blend(ref byte sample, byte color, bool outline) =>
        sample = (byte)(outline ? (color + byte.MaxValue) / 2 : (sample + color) / 2);
}
