using System.Globalization;
using DinoSharp.Data;
using DinoSharp.Imaging;

namespace DinoSharp.Benchmarks;

/// <summary>Decoding and multi-crop on one thread, from memory.</summary>
internal static class Augmentation
{
    private const int MostImages = 300;
    private const int Rounds = 3;

    /// <param name="path">a folder or archive of photographs</param>
    /// <param name="globalSize">side of the two global crops</param>
    /// <param name="localSize">side of the local crops</param>
    /// <param name="localCount">how many of those</param>
    public static void Run(string path, int globalSize, int localSize, int localCount)
    {
        using var source = ImageSources.Open(path);
        var recipe = new MultiCropRecipe(new MultiCropOptions { GlobalSize = globalSize, LocalSize = localSize, LocalCount = localCount });
        int count = Math.Min(MostImages, source.Count);
        var options = new DecodeOptions();
        double[] seconds = Measure.InTurns(Rounds, () => Decode(_ => { }), () => Decode(Augment));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {Path.GetFileName(path)}, {count} images, 2x{globalSize} + {localCount}x{localSize} | {count / seconds[0]:F0} | {count / seconds[1]:F0} |"));

        void Decode(Action<(int Index, PixelImage Image)> then)
        {
            for (int i = 0; i < count; i++)
            {
                using var image = source.Load(i, options);
                then((i, image));
            }
        }

        void Augment((int Index, PixelImage Image) sample)
        {
            for (int view = 0; view < recipe.ViewCount; view++)
            {
                var random = new SampleRandom(seed: 0, epoch: 0, sample.Index, view);
                using var made = recipe.Make(sample.Image, view, ref random);
            }
        }
    }
}
