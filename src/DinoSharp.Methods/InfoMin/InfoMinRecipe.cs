using DinoSharp.Data;
using DinoSharp.Imaging;

namespace DinoSharp.Methods.InfoMin;

/// <summary>Two global views, changed by jitter, blur and RandAugment, and one view that is a jigsaw, whose colours stay.</summary>
public sealed class InfoMinRecipe : IViewRecipe
{
    private readonly MultiCropRecipe _globals;
    private readonly RandomCropRecipe _crop;
    private readonly int _jigsawSide;
    private readonly int _globalCount;

    /// <param name="views">the local view's size and scale are the jigsaw's</param>
    /// <param name="augment">of the global views</param>
    /// <exception cref="ArgumentException">The views are not two global ones and one local one that makes a jigsaw.</exception>
    public InfoMinRecipe(MultiCropOptions views, RandAugmentOptions augment)
    {
        ArgumentNullException.ThrowIfNull(views);
        CheckViews(views);
        _globals = new MultiCropRecipe(views with { RandAugment = augment });
        _globalCount = views.GlobalCount;
        _jigsawSide = views.LocalSize;
        _crop = new RandomCropRecipe(new()
        {
            Size = JigsawView.CropSide(_jigsawSide),
            Scale = views.LocalScale,
            Ratio = views.Ratio,
            FlipProbability = views.FlipProbability,
            Bicubic = true,
        });
    }

    public int ViewCount => _globals.ViewCount;

    public int SizeOf(int view) => _globals.SizeOf(view);

    /// <inheritdoc/>
    public DecodeOptions Decoding(DecodeOptions asked) => _globals.Decoding(asked);

    /// <inheritdoc/>
    public PixelImage Make(PixelImage image, int view, ref SampleRandom random)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (view < _globalCount)
        {
            return _globals.Make(image, view, ref random);
        }

        using PixelImage crop = _crop.Make(image, 0, ref random);
        PixelImage jigsaw = new(_jigsawSide, _jigsawSide, image.Channels);
        JigsawView.Cut(crop, jigsaw, ref random);
        return jigsaw;
    }

    /// <exception cref="ArgumentException">The views are not two global ones and one local one that makes a jigsaw.</exception>
    internal static void CheckViews(MultiCropOptions views)
    {
        string? fault =
            (views.GlobalCount, views.LocalCount) is not (2, 1)
                ? $"InfoMin compares 2 global crops and 1 local one, the jigsaw, not {views.GlobalCount} and {views.LocalCount}" :
            views.LocalSize % JigsawView.Grid != 0
                ? $"a jigsaw of three by three pieces has a side that is a multiple of 3, not {views.LocalSize} (--local-crops-size)" : null;
        if (fault is not null)
        {
            throw new ArgumentException(fault);
        }
    }
}
