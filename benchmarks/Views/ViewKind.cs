using DinoSharp.Data;
using DinoSharp.Imaging;

namespace DinoSharp.Benchmarks.Views;

/// <summary>Which views are made of an image.</summary>
/// <param name="Name">what torchvision_views.py, too, calls it</param>
/// <param name="Crops">null for the one view of evaluation</param>
/// <param name="Resolutions">views by their side</param>
internal sealed record ViewKind(string Name, MultiCropRecipe? Crops, IReadOnlyList<(int Side, int Count)> Resolutions)
{
    public static ViewKind Photographs { get; } = MultiCrop("photographs", 224, 96, 8);

    public static ViewKind Icons { get; } = MultiCrop("icons", 32, 16, 6);

    public static ViewKind Evaluation { get; } = new("evaluation", null, [(224, 1)]);

    public EvaluationRecipe Middle { get; } = new();

    public int ViewCount => Resolutions.Sum(resolution => resolution.Count);

    public PixelImage Make(PixelImage image, int index, int view)
    {
        if (Crops is null)
        {
            return Middle.Make(image);
        }

        SampleRandom random = RandomOf(index, view);
        return Crops.Make(image, view, ref random);
    }

    public static SampleRandom RandomOf(int index, int view) => new(seed: 0, epoch: 0, index, view);

    /// <summary>The resolution of a view, and its number among those of that resolution.</summary>
    public (int Resolution, int Place) PlaceOf(int view)
    {
        int resolution = 0;
        while (view >= Resolutions[resolution].Count)
        {
            view -= Resolutions[resolution++].Count;
        }

        return (resolution, view);
    }

    private static ViewKind MultiCrop(string name, int globalSize, int localSize, int localCount) => new(
        name,
        new MultiCropRecipe(new MultiCropOptions { GlobalSize = globalSize, LocalSize = localSize, LocalCount = localCount }),
        [(globalSize, 2), (localSize, localCount)]);
}
