using System.Globalization;
using DinoSharp.Data;
using DinoSharp.Distributed;
using DinoSharp.Evaluation.Features;
using DinoSharp.Imaging;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Retrieval;

/// <summary>
/// Features of whole images of any shape, as retrieval takes them (arXiv 2104.14294, section 4.2.1): shrunk to a longest side, one image at
/// a time, at one scale or as the mean of three.
/// </summary>
public sealed class WholeImageFeatures
{
    /// <summary>The published size.</summary>
    public const int DefaultLongestSide = 224;

    /// <summary>
    /// Images that each of several processes computes before the first one gets their features: enough for their different sizes to even out, and
    /// few to be lost with work that is cut off.
    /// </summary>
    private const int RoundImages = 16;

    private static readonly double[] Scales = [1, 1 / Math.Sqrt(2), 0.5];

    private readonly Backbone _backbone;
    private readonly Device _device;
    private readonly string _settings;

    /// <param name="backbone">on any device</param>
    /// <param name="longestSide">what larger images are shrunk to, in pixels</param>
    /// <param name="multiScale">whether features are the mean of those at the scales 1, 1/sqrt(2) and 1/2, made length 1</param>
    /// <exception cref="EvaluationException">The size is too small for the network.</exception>
    public WholeImageFeatures(Backbone backbone, int longestSide = DefaultLongestSide, bool multiScale = false)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        (_backbone, LongestSide, MultiScale) = (backbone, longestSide, multiScale);
        _device = backbone.parameters().First().device;
        if (longestSide < LeastSide || longestSide > EvaluationRecipe.MaxSize)
        {
            throw new EvaluationException(string.Create(CultureInfo.InvariantCulture,
                $"images of {longestSide} pixels: this network takes {LeastSide} to {EvaluationRecipe.MaxSize} here"));
        }

        _settings = string.Create(CultureInfo.InvariantCulture,
            $"weights {WeightsFingerprint.Of(backbone)}, longest side {longestSide}, {(multiScale ? "three scales" : "one scale")}");
    }

    /// <summary>What larger images are shrunk to, in pixels.</summary>
    public int LongestSide { get; }

    /// <summary>Whether three scales are averaged.</summary>
    public bool MultiScale { get; }

    /// <summary>
    /// The processes that share the work. The first one gets and keeps the features of all images; while it takes those of a source, the others
    /// <see cref="TakePart"/>.
    /// </summary>
    public ProcessGroup Group { get; init; } = ProcessGroup.Alone;

    /// <summary>Length D of a feature.</summary>
    public int Dim => _backbone.FeatureDim;

    /// <summary>Channels of the images.</summary>
    public int Channels => _backbone.InputChannels;

    /// <summary>The least length of an image's shorter side: a patch, at the smallest scale.</summary>
    public int LeastSide => _backbone.MinimumImageSide * (MultiScale ? 2 : 1);

    /// <summary>The feature of an image.</summary>
    /// <param name="pixels">uint8 [1, H, W, C]</param>
    /// <returns>// [D]</returns>
    /// <exception cref="EvaluationException">The feature is not finite, or the image smaller than a patch.</exception>
    public float[] Of(Tensor pixels)
    {
        if (TooSmall(pixels) is { } fault)
        {
            throw new EvaluationException(fault);
        }

        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        var image = PixelNormalization.For(Channels).Apply(pixels, _device); // [1, C, H, W]
        return MultiScale ? MeanOfScales(image) : FeatureExtractor.Features(_backbone, image);
    }

    /// <summary>The mean of the features at three scales, of length 1.</summary>
    /// <param name="image">normalised // float32 [1, C, H, W]</param>
    internal float[] MeanOfScales(Tensor image)
    {
        float[] mean = new float[Dim];
        foreach (double scale in Scales)
        {
            using var scope = NewDisposeScope();
            float[] feature = FeatureExtractor.Features(_backbone, Scaled(image, scale));
            for (int d = 0; d < mean.Length; d++)
            {
                mean[d] += feature[d] / Scales.Length;
            }
        }

        float length = MathF.Sqrt(mean.Sum(value => value * value));
        return [.. mean.Select(value => value / length)];
    }

    /// <summary>Bilinear without antialiasing; coordinates follow the scale itself and not the ratio of the sizes.</summary>
    internal static Tensor Scaled(Tensor image, double scale) => scale == 1
        ? image
        : nn.functional.interpolate(
            image, scale_factor: [scale, scale], mode: InterpolationMode.Bilinear, align_corners: false); // [1, C, h, w]

    /// <summary>All that features depend on besides the images, in one line: they may be compared with others of the same settings.</summary>
    /// <param name="decoding">what the images are decoded to</param>
    public string SettingsWith(DecodeOptions decoding)
    {
        ArgumentNullException.ThrowIfNull(decoding);
        string upright = decoding.ApplyOrientation ? ", upright" : "", background = decoding.Background is { } color ? $", on {color}" : "";
        return _settings + upright + background;
    }

    /// <summary>The features of all usable images of a source, in its order.</summary>
    /// <param name="loader">the images, shrunk as these features want them; what could not be used is in its faults and has no row</param>
    /// <param name="progress">told the number of images done</param>
    /// <exception cref="ImageSourceException">More images are unusable than allowed, or all of them.</exception>
    /// <exception cref="EvaluationException">A feature is not finite.</exception>
    public FeatureTable Table(WholeImageLoader loader, Action<int>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(loader);
        List<string> names = [];
        List<float> values = [];
        foreach (var (name, feature) in Features(loader, [.. Enumerable.Range(0, loader.Source.Count)]))
        {
            names.Add(name);
            values.AddRange(feature);
            progress?.Invoke(names.Count);
        }

        return names.Count > 0
            ? new FeatureTable(names, [], [], [.. values], Dim)
            : throw new ImageSourceException(loader.Source.Path, $"none of its images can be used; {loader.Faults.Faults[0].Reason}");
    }

    /// <summary>Computes the features of a source's images in its order, into a journal that keeps them whatever happens.</summary>
    /// <param name="loader">the images, shrunk as these features want them; what could not be used is in its faults</param>
    /// <param name="journal">of these settings; what it holds already is not computed again</param>
    /// <param name="known">names of images that are not computed either</param>
    /// <param name="progress">told the number of images done</param>
    /// <exception cref="ImageSourceException">More images are unusable than allowed.</exception>
    /// <exception cref="EvaluationException">A feature is not finite.</exception>
    public void Extend(WholeImageLoader loader, FeatureJournal journal, IEnumerable<string> known, Action<int>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(loader);
        ArgumentNullException.ThrowIfNull(journal);
        var source = loader.Source;
        HashSet<string> there = [.. journal.Names, .. known];
        int[] missing = [.. Enumerable.Range(0, source.Count).Where(i => !there.Contains(source.NameOf(i)))];
        int done = source.Count - missing.Length;
        progress?.Invoke(done);
        foreach (var (name, feature) in Features(loader, missing))
        {
            journal.Add(name, feature);
            progress?.Invoke(++done);
        }
    }

    /// <summary>The part of a process beside the first, which <see cref="Table"/>s or <see cref="Extend"/>s meanwhile.</summary>
    /// <param name="loader">of the same images; what any of the processes could not use is in its faults in the end</param>
    /// <exception cref="ImageSourceException">More images are unusable than allowed.</exception>
    /// <exception cref="EvaluationException">A feature is not finite.</exception>
    public void TakePart(WholeImageLoader loader)
    {
        foreach (var _ in Features(loader, []))
        {
            throw new InvalidOperationException("the first process gets the features");
        }
    }

    private IEnumerable<(string Name, float[] Feature)> Features(WholeImageLoader loader, int[] indices)
    {
        ArgumentNullException.ThrowIfNull(loader);
        if (loader.LongestSide != LongestSide)
        {
            throw new ArgumentException($"images are shrunk to {loader.LongestSide} pixels, features are of {LongestSide}", nameof(loader));
        }

        var features = Group.Size == 1
            ? Computed(loader, indices).Select((feature, i) => (indices[i], feature))
            : Shared(loader, indices);
        foreach (var (index, feature) in features)
        {
            if (feature is not null)
            {
                yield return (loader.Source.NameOf(index), feature);
            }
        }
    }

    /// <summary>Features that all processes compute, on the first of them; null for an image that cannot be used.</summary>
    /// <param name="loader">the images</param>
    /// <param name="indices">which; read on the first</param>
    private IEnumerable<(int Index, float[]? Feature)> Shared(WholeImageLoader loader, int[] indices)
    {
        RankAgreement.Require(Group, SharedWork.Identity(loader.Source, SettingsWith(loader.Decoding)));
        long[] all = Group.FirstSays([.. indices.Select(index => (long)index)]);
        int[][] rounds = [.. all.Select(index => (int)index).Chunk(RoundImages * Group.Size)];
        using var computed = Computed(loader, [.. rounds.SelectMany(Own)]).GetEnumerator();
        float[] unusable = [.. Enumerable.Repeat(float.NaN, Dim)]; // no feature is: they are finite
        foreach (int[] round in rounds)
        {
            List<float> own = [];
            for (int i = 0; i < Own(round).Length && computed.MoveNext(); i++)
            {
                own.AddRange(computed.Current ?? unusable);
            }

            float[]? values = new SharedRows(Group, [.. own], Dim).OnFirst();
            for (int i = 0; i < round.Length && values is not null; i++)
            {
                float[] feature = values[(i * Dim)..((i + 1) * Dim)];
                yield return (round[i], float.IsNaN(feature[0]) ? null : feature);
            }
        }

        loader.Note(SharedWork.Faults(Group, loader.Faults.Faults));

        int[] Own(int[] round) => round[(round.Length * Group.Rank / Group.Size)..(round.Length * (Group.Rank + 1) / Group.Size)];
    }

    /// <summary>The feature of each image; null for one that cannot be used.</summary>
    private IEnumerable<float[]?> Computed(WholeImageLoader loader, int[] indices)
    {
        foreach (var image in loader.Images(indices))
        {
            string name = loader.Source.NameOf(image.Index);
            float[]? feature = null;
            using (image)
            {
                if (image.Pixels is { } pixels && TooSmall(pixels) is { } fault)
                {
                    loader.Faults.Add(image.Index, name, $"{name}: {fault}");
                }
                else if (image.Pixels is not null)
                {
                    feature = Of(image.Pixels);
                }
            }

            TorchRuntime.Sweep();
            yield return feature;
        }
    }

    private string? TooSmall(Tensor pixels) => Math.Min(pixels.size(1), pixels.size(2)) < LeastSide
        ? $"{pixels.size(2)} x {pixels.size(1)} pixels are too few in one direction; this network needs {LeastSide}"
        : null;
}
