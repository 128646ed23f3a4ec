namespace DinoSharp.Imaging.Tests.ScalarTwins;

/// <summary>The blur from its definition: each sample is a weighted sum over its neighbours, three times along each axis.</summary>
internal static class BlurTwin
{
    private const int Passes = 3;

    public static PixelImage Blur(PixelImage image, float radius)
    {
        PixelImage result = Fixture.Copy(image);
        for (int pass = 0; pass < Passes; pass++)
        {
            Pass(result, radius, stepX: 1, stepY: 0);
        }

        for (int pass = 0; pass < Passes; pass++)
        {
            Pass(result, radius, stepX: 0, stepY: 1);
        }

        return result;
    }

    private static void Pass(PixelImage image, float standardDeviation, int stepX, int stepY)
    {
        float variance = standardDeviation * standardDeviation / Passes;
        float length = (float)Math.Sqrt(12.0 * variance + 1.0), whole = (float)Math.Floor((length - 1.0) / 2.0);
        float part = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance);
        part /= 6 * (variance - (whole + 1) * (whole + 1));
        float box = whole + part;
        int radius = (int)box;
        ulong weight = (uint)((1 << 24) / (box * 2 + 1)), endWeight = ((1 << 24) - (ulong)(2 * radius + 1) * weight) / 2;

        using PixelImage before = Fixture.Copy(image);
        for (int y = 0; y < image.Height; y++)
        {
            for (int x = 0; x < image.Width; x++)
            {
                for (int c = 0; c < image.Channels; c++)
                {
                    ulong sum = 1 << 23;
                    for (int d = -radius - 1; d <= radius + 1; d++)
                    {
                        int fromX = Math.Clamp(x + d * stepX, 0, image.Width - 1), fromY = Math.Clamp(y + d * stepY, 0, image.Height - 1);
                        sum += (Math.Abs(d) > radius ? endWeight : weight) * before.Pixels[(fromY * image.Width + fromX) * image.Channels + c];
                    }

                    image.Pixels[(y * image.Width + x) * image.Channels + c] = (byte)(sum >> 24);
                }
            }
        }
    }
}
