using DinoSharp.Cuda;
using DinoSharp.Data;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Supervised;

/// <summary>
/// Mixup (arXiv 1710.09412) and CutMix (arXiv 1905.04899): each image gets a part of another, and so does its target. Both are drawn once
/// for a batch, and neighbours in it are mixed, so that a batch in parts of even size is mixed as the whole.
/// </summary>
/// <param name="options">how strongly</param>
internal sealed class Mixing(SupervisedOptions options)
{
    /// <summary>Numbers of no image's view.</summary>
    private const int View = -2;

    /// <summary>Mixes the images of a batch.</summary>
    /// <param name="images">not changed // [B, C, H, W]</param>
    /// <param name="targets">not changed // [B, classes]</param>
    /// <param name="step">optimizer step, which decides what is drawn</param>
    /// <returns>the same shapes</returns>
    public (Tensor Images, Tensor Targets) Apply(Tensor images, Tensor targets, long step)
    {
        if (options.MixupAlpha == 0 && options.CutMixAlpha == 0)
        {
            return (images, targets);
        }

        var random = new SampleRandom((ulong)options.Seed, epoch: 0, step, View);
        bool cuts = options.CutMixAlpha > 0 && (options.MixupAlpha == 0 || random.Chance(options.CutMixShare));
        double share = Beta(ref random, cuts ? options.CutMixAlpha : options.MixupAlpha); // of the image itself
        var partners = Partners(images);
        if (!cuts)
        {
            return (Blend(images, partners, share), Blend(targets, partners, share));
        }

        var (top, left, height, width) = Box(ref random, share, (int)images.size(2), (int)images.size(3));
        share = 1 - (double)height * width / (images.size(2) * images.size(3)); // what the border left of it
        var mixed = images.clone();
        mixed.narrow(2, top, height).narrow(3, left, width).copy_(images.index_select(0, partners).narrow(2, top, height).narrow(3, left, width));
        return (mixed, Blend(targets, partners, share));
    }

    /// <summary>0 with 1, 2 with 3, ...; the last of an odd number with itself.</summary>
    private static Tensor Partners(Tensor images)
    {
        long count = images.size(0);
        return tensor([.. Enumerable.Range(0, (int)count).Select(i => (i ^ 1) < count ? (long)(i ^ 1) : i)], ScalarType.Int64).Bring(images.device);
    }

    private static Tensor Blend(Tensor values, Tensor partners, double share) => values * share + values.index_select(0, partners) * (1 - share);

    /// <summary>A box of the part 1 - share, round a uniform centre and cut at the border.</summary>
    private static (int Top, int Left, int Height, int Width) Box(ref SampleRandom random, double share, int height, int width)
    {
        double side = Math.Sqrt(1 - share);
        int boxHeight = (int)(height * side), boxWidth = (int)(width * side);
        int y = random.NextInt(height), x = random.NextInt(width);
        int top = Math.Clamp(y - boxHeight / 2, 0, height), bottom = Math.Clamp(y + boxHeight / 2, 0, height);
        int left = Math.Clamp(x - boxWidth / 2, 0, width), right = Math.Clamp(x + boxWidth / 2, 0, width);
        return (top, left, bottom - top, right - left);
    }

    /// <summary>A number from Beta(α, α), by Jöhnk's method (1964).</summary>
    private static double Beta(ref SampleRandom random, double alpha)
    {
        while (true)
        {
            double x = Math.Pow(random.NextDouble(), 1 / alpha), y = Math.Pow(random.NextDouble(), 1 / alpha);
            if (x + y is > 0 and <= 1)
            {
                return x / (x + y);
            }
        }
    }
}
