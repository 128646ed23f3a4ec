using System.Globalization;
using DinoSharp.Data;
using DinoSharp.Training;

namespace DinoSharp.Cli.Training;

/// <summary>Settings of "dino train" to begin with on images that were surveyed: as published, less what does not fit their size or number.</summary>
internal sealed record FirstSettings
{
    private static readonly MultiCropOptions Published = new();

    /// <summary>Images whose shorter side is below this part of the published crops are not enlarged to them.</summary>
    private const double SmallPart = 0.7;

    private FirstSettings(int shorterSide, int images)
    {
        PatchSize = 16;
        if (shorterSide < SmallPart * Published.GlobalSize)
        {
            // About 64 patches an image, as the recipes for small images have.
            PatchSize = shorterSide <= 48 ? 4 : shorterSide <= 112 ? 8 : 16;
            GlobalSize = WholePatches(shorterSide);
            LocalSize = WholePatches(GlobalSize / 2);
        }

        OutputDim = TrainingAdvice.FittingOutputs(images);
        BatchSize = Math.Min(new TrainingOptions().BatchSize, 1 << (int)Math.Log2(Math.Max(images / 2, 1)));
    }

    public int PatchSize { get; }

    public int GlobalSize { get; } = Published.GlobalSize;

    public int LocalSize { get; } = Published.LocalSize;

    /// <summary>Outputs of the head; null for the published number.</summary>
    public int? OutputDim { get; }

    public int BatchSize { get; }

    /// <summary>The crops, as published but for their sizes.</summary>
    public MultiCropOptions Views => Published with { GlobalSize = GlobalSize, LocalSize = LocalSize };

    /// <param name="shorterSide">Median of the images' shorter sides in pixels.</param>
    /// <param name="images">How many there are.</param>
    public static FirstSettings For(int shorterSide, int images) => new(shorterSide, images);

    private int WholePatches(int side) => Math.Max(side / PatchSize, 1) * PatchSize;

    /// <summary>What differs from the defaults, as it follows on a command line.</summary>
    public string Arguments()
    {
        List<string> words = [];
        Add("--patch-size", PatchSize, PatchSize != 16);
        Add("--global-crops-size", GlobalSize, GlobalSize != Published.GlobalSize);
        Add("--local-crops-size", LocalSize, LocalSize != Published.LocalSize);
        Add("--out-dim", OutputDim ?? 0, OutputDim is not null);
        Add("--batch-size", BatchSize, BatchSize != new TrainingOptions().BatchSize);
        return string.Concat(words);

        void Add(string name, int value, bool differs)
        {
            if (differs)
            {
                words.Add(string.Create(CultureInfo.InvariantCulture, $" {name} {value}"));
            }
        }
    }
}
