using DinoSharp.Data;
using DinoSharp.Imaging;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Video;

/// <summary>A frame as the network sees it: the reference's size, resize and normalisation.</summary>
public static class FrameView
{
    private const int Multiple = 64;

    // OpenCV's resize of bytes multiplies with weights of 11 bits.
    private const int WeightBits = 11;

    /// <summary>The reference's deviations; 0.228 stands where ImageNet's 0.229 is meant, and results are held against it.</summary>
    private static readonly PixelNormalization Normalization = new([0.485, 0.456, 0.406], [0.228, 0.224, 0.225]);

    /// <summary>The size of a frame in the view: the shorter side as asked for, the longer one in proportion, cut to a multiple of 64.</summary>
    /// <param name="width">of the frame, in pixels</param>
    /// <param name="height">of the frame, in pixels; a square frame loses columns</param>
    /// <param name="side">the shorter side</param>
    public static (int Width, int Height) SizeOf(int width, int height, int side) => height > width
        ? (side, Cut((double)side * height / width))
        : (Cut((double)side * width / height), side);

    /// <summary>The view of a frame.</summary>
    /// <param name="frame">RGB</param>
    /// <param name="side">the shorter side</param>
    /// <returns>on the CPU // float32 [1, 3, H, W]</returns>
    public static Tensor Of(PixelImage frame, int side)
    {
        ArgumentNullException.ThrowIfNull(frame);
        var (width, height) = SizeOf(frame.Width, frame.Height, side);
        using var scope = NewDisposeScope();
        var pixels = empty([1, height, width, 3], ScalarType.Byte); // [1, H, W, 3]
        Resize(frame, pixels.bytes, width, height);
        return Normalization.Apply(pixels, CPU).MoveToOuterDisposeScope();
    }

    private static int Cut(double length) => (int)(length / Multiple) * Multiple;

    /// <summary>
    /// OpenCV's bilinear resize of bytes, in its fixed point: two pixels of two rows, however much smaller the result is.
    /// </summary>
    private static void Resize(PixelImage frame, Span<byte> result, int width, int height)
    {
        const int channels = 3;
        var columns = Weights(frame.Width, width);
        var rows = Weights(frame.Height, height);
        int[] upper = new int[width * channels], lower = new int[width * channels];
        (int upperAt, int lowerAt) = (-1, -1);
        for (int y = 0; y < height; y++)
        {
            var (row, far) = rows[y];
            int next = Math.Min(row + 1, frame.Height - 1);
            if (upperAt != row && lowerAt == row)
            {
                (upper, lower, upperAt, lowerAt) = (lower, upper, lowerAt, upperAt);
            }

            Fill(upper, ref upperAt, row);
            Fill(lower, ref lowerAt, next);
            int near = (1 << WeightBits) - far;
            var to = result.Slice(y * width * channels, width * channels);
            for (int i = 0; i < to.Length; i++)
            {
                to[i] = (byte)((((near * (upper[i] >> 4)) >> 16) + ((far * (lower[i] >> 4)) >> 16) + 2) >> 2);
            }
        }

        void Fill(int[] sums, ref int at, int row)
        {
            if (at == row)
            {
                return;
            }

            at = row;
            var from = frame.Pixels.Slice(row * frame.Width * channels, frame.Width * channels);
            for (int x = 0, i = 0; x < columns.Length; x++)
            {
                var (left, far) = columns[x];
                int near = (1 << WeightBits) - far;
                int here = left * channels, there = Math.Min(left + 1, frame.Width - 1) * channels;
                for (int c = 0; c < channels; c++, i++)
                {
                    sums[i] = from[here + c] * near + from[there + c] * far;
                }
            }
        }
    }

    /// <summary>For each new pixel the old one at or before it, and what the next one weighs.</summary>
    private static (int At, int Far)[] Weights(int from, int to)
    {
        double scale = (double)from / to;
        var weights = new (int, int)[to];
        for (int i = 0; i < to; i++)
        {
            float position = (float)((i + 0.5) * scale - 0.5);
            int at = (int)MathF.Floor(position);
            float fraction = position - at;
            (at, fraction) = at < 0 ? (0, 0) : at >= from - 1 ? (from - 1, 0) : (at, fraction);
            weights[i] = (at, (int)MathF.Round(fraction * (1 << WeightBits)));
        }

        return weights;
    }
}
