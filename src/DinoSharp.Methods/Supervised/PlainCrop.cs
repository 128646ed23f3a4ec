using DinoSharp.Data;

namespace DinoSharp.Methods.Supervised;

/// <summary>The one view of an image that training with labels takes: a crop, mirrored by chance.</summary>
internal static class PlainCrop
{
    /// <summary>Options of crops with nothing of self-supervised training's changes.</summary>
    public static MultiCropOptions Published { get; } = new()
    {
        GlobalCount = 1,
        LocalCount = 0,
        GlobalScale = new(0.08, 1),
        JitterProbability = 0,
        Brightness = 0,
        Contrast = 0,
        Saturation = 0,
        Hue = 0,
        GrayscaleProbability = 0,
        FirstGlobalBlurProbability = 0,
        SecondGlobalBlurProbability = 0,
        LocalBlurProbability = 0,
        SolarizeProbability = 0,
    };

    /// <summary>What of the options counts here; one number changes brightness, contrast and saturation.</summary>
    public static RandomCropOptions Of(MultiCropOptions views) => new()
    {
        Size = views.GlobalSize,
        Scale = views.GlobalScale,
        Ratio = views.Ratio,
        FlipProbability = views.FlipProbability,
        ColorJitter = views.Brightness,
        Bicubic = true,
    };
}
