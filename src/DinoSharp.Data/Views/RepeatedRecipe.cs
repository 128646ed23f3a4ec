using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>The views of another recipe, several times of each image (repeated augmentation, arXiv 1901.09335 and 1902.05509).</summary>
public sealed class RepeatedRecipe : IViewRecipe
{
    private readonly IViewRecipe _recipe;
    private readonly int _repeats;

    /// <param name="recipe">of the views</param>
    /// <param name="repeats">how often it is followed, at least once</param>
    public RepeatedRecipe(IViewRecipe recipe, int repeats)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentOutOfRangeException.ThrowIfLessThan(repeats, 1);
        (_recipe, _repeats) = (recipe, repeats);
    }

    public int ViewCount => _repeats * _recipe.ViewCount;

    public int SizeOf(int view) => _recipe.SizeOf(view % _recipe.ViewCount);

    /// <inheritdoc/>
    public DecodeOptions Decoding(DecodeOptions asked) => _recipe.Decoding(asked);

    /// <inheritdoc/>
    public PixelImage Make(PixelImage image, int view, ref SampleRandom random) => _recipe.Make(image, view % _recipe.ViewCount, ref random);
}
