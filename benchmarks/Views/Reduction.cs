using System.Globalization;
using DinoSharp.Data;
using DinoSharp.Imaging;

namespace DinoSharp.Benchmarks.Views;

/// <summary>
/// What decoding at a reduced scale changes in training's views, and what it saves: the same crops of the same photographs, with colours
/// left alone, once of all pixels and once of what <see cref="MultiCropOptions.ReductionOf"/> leaves.
/// </summary>
internal static class Reduction
{
    private const int Rounds = 5;

    /// <summary>Sizes of crops: the published ones, and smaller ones, for which photographs of a few hundred pixels are reduced, too.</summary>
    private static readonly (int Global, int Local)[] Sizes = [(224, 96), (96, 32), (48, 16)];

    public static void Run(string path)
    {
        var images = EncodedImages.Read(path);
        Console.WriteLine("| views | photographs reduced | decoded at | mean difference, levels | PSNR, dB | exact, im/s | reduced, im/s | ratio |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|");
        foreach (var (global, local) in Sizes)
        {
            MultiCropOptions options = new()
            {
                GlobalSize = global,
                LocalSize = local,
                JitterProbability = 0,
                GrayscaleProbability = 0,
                FirstGlobalBlurProbability = 0,
                SecondGlobalBlurProbability = 0,
                LocalBlurProbability = 0,
                SolarizeProbability = 0,
            };
            Compare(images, options);
        }
    }

    private static void Compare(IReadOnlyList<byte[]> images, MultiCropOptions options)
    {
        MultiCropRecipe recipe = new(options);
        DecodeOptions exact = new(), reduced = new() { Reduction = options.ReductionOf };
        List<int> divisors = [];
        double absolute = 0, squared = 0;
        long samples = 0;
        var chosen = new List<byte[]>();
        foreach (byte[] bytes in images)
        {
            using PixelImage whole = ImageDecoder.Decode(bytes, "photograph", exact);
            int divisor = options.ReductionOf(whole.Width, whole.Height);
            if (divisor == 1)
            {
                continue;
            }

            divisors.Add(divisor);
            chosen.Add(bytes);
            using PixelImage small = ImageDecoder.Decode(bytes, "photograph", reduced);
            for (int view = 0; view < recipe.ViewCount; view++)
            {
                // The reduced photograph's crop, and the same of the whole one.
                SampleRandom random = new(0, 0, chosen.Count, view);
                ViewParameters drawn = recipe.Draw(view, small.Width, small.Height, ref random);
                using PixelImage a = new(recipe.SizeOf(view), recipe.SizeOf(view)), b = new(recipe.SizeOf(view), recipe.SizeOf(view));
                (drawn with { Box = Scaled(drawn.Box, divisor, whole) }).Apply(whole, a);
                drawn.Apply(small, b);
                for (int i = 0; i < a.Pixels.Length; i++)
                {
                    int difference = a.Pixels[i] - b.Pixels[i];
                    absolute += Math.Abs(difference);
                    squared += difference * difference;
                }

                samples += a.Pixels.Length;
            }
        }

        if (chosen.Count == 0)
        {
            Console.WriteLine($"| 2x{options.GlobalSize} + 8x{options.LocalSize} | none of {images.Count} | | | | | | |");
            return;
        }

        double[] seconds = Measure.InTurns(Rounds, () => MakeAll(chosen, recipe, exact), () => MakeAll(chosen, recipe, reduced));
        string scales = string.Join(", ", divisors.Distinct().Order().Select(divisor => $"1/{divisor}"));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| 2x{options.GlobalSize} + 8x{options.LocalSize} | {chosen.Count} of {images.Count} | {scales} | {absolute / samples:F2} | {10 * Math.Log10(255 * 255 / (squared / samples)):F1} | {chosen.Count / seconds[0]:F0} | {chosen.Count / seconds[1]:F0} | {seconds[0] / seconds[1]:F2} |"));
    }

    private static CropBox Scaled(CropBox box, int divisor, PixelImage whole)
    {
        int top = box.Top * divisor, left = box.Left * divisor;
        return new CropBox(top, left, Math.Min(box.Height * divisor, whole.Height - top), Math.Min(box.Width * divisor, whole.Width - left));
    }

    private static void MakeAll(List<byte[]> images, MultiCropRecipe recipe, DecodeOptions decoding)
    {
        for (int i = 0; i < images.Count; i++)
        {
            using PixelImage image = ImageDecoder.Decode(images[i], "photograph", decoding);
            for (int view = 0; view < recipe.ViewCount; view++)
            {
                SampleRandom random = new(0, 0, i, view);
                recipe.Make(image, view, ref random).Dispose();
            }
        }
    }
}
