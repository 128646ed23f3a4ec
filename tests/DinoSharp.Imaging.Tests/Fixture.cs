namespace DinoSharp.Imaging.Tests;

/// <summary>The test files, and exact comparison of images.</summary>
internal static class Fixture
{
    public static string PathOf(string name) => Path.Combine(AppContext.BaseDirectory, "fixtures", name.Replace('/', Path.DirectorySeparatorChar));

    public static byte[] Bytes(string name) => File.ReadAllBytes(PathOf(name));

    public static PixelImage Image(string name) => ImageDecoder.Load(PathOf(name));

    public static PixelImage Random(int width, int height, int seed, int channels = 3)
    {
        PixelImage image = new(width, height, channels);
        new Random(seed).NextBytes(image.Pixels);
        return image;
    }

    public static PixelImage Copy(PixelImage image)
    {
        PixelImage copy = new(image.Width, image.Height, image.Channels);
        image.Pixels.CopyTo(copy.Pixels);
        return copy;
    }

    public static void AssertSame(PixelImage expected, PixelImage actual, string what)
    {
        Assert.Equal((expected.Width, expected.Height, expected.Channels), (actual.Width, actual.Height, actual.Channels));
        int at = expected.Pixels.CommonPrefixLength(actual.Pixels);
        if (at < expected.Pixels.Length)
        {
            int differing = 0, largest = 0;
            for (int i = at; i < expected.Pixels.Length; i++)
            {
                int difference = Math.Abs(expected.Pixels[i] - actual.Pixels[i]);
                differing += difference > 0 ? 1 : 0;
                largest = Math.Max(largest, difference);
            }

            Assert.Fail($"{what}: {differing} samples differ, first at {at} ({expected.Pixels[at]} became {actual.Pixels[at]}), largest by {largest}");
        }
    }
}
