using DinoSharp.Data;
using DinoSharp.Imaging;

namespace DinoSharp.Cli.Training;

/// <summary>Which images a training learns from, and what they are decoded to.</summary>
internal sealed record DataSettings
{
    /// <summary>What holds the images, one or several.</summary>
    public required IReadOnlyList<string> Paths { get; init; }

    /// <summary>The paths' shares in an epoch; null for as many as there are.</summary>
    public IReadOnlyList<double>? Weights { get; init; }

    /// <summary>Which part of each path is taken.</summary>
    public string? Split { get; init; }

    /// <summary>Whether the images that evaluations test on are left out.</summary>
    public bool LeavesTestOut { get; init; }

    public int Channels { get; init; } = 3;

    public bool ExifOrientation { get; init; }

    public PixelColor? Background { get; init; }

    /// <summary>Images of streamed sources from which the next is drawn.</summary>
    public int ShuffleBuffer { get; init; } = new LoaderOptions().ShuffleBuffer;

    /// <summary>Opens the images.</summary>
    /// <exception cref="ImageSourceException">There is nothing usable at a path.</exception>
    public IImageSource Open() => LeavesTestOut
        ? HeldOut.OpenTrain(Paths[0])
        : ImageSources.OpenAll(Paths, Weights, Split);

    /// <summary>What an image is decoded to.</summary>
    public DecodeOptions Decoding() => new() { Channels = Channels, ApplyOrientation = ExifOrientation, Background = Background };
}
