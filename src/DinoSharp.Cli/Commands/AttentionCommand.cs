using System.CommandLine;
using System.Text.Json.Nodes;
using DinoSharp.Cli.Attention;
using DinoSharp.Data;
using DinoSharp.Evaluation;
using DinoSharp.Evaluation.Attention;
using DinoSharp.Imaging;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Cli.Commands;

/// <summary>dino attention: what a Vision Transformer's class token looks at, as pictures (arXiv 2104.14294, figures 1 and 3).</summary>
internal sealed class AttentionCommand
{
    private readonly Argument<string?> _images = new("images")
    {
        Description = "a picture; or many, in whatever --data of the other verbs can be",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _imagePath = OptionFactory.Text("--image-path", "the same as the argument");
    private readonly Option<string?> _out = OptionFactory.Text(
        "--out",
        "folder for the pictures: NAME-attention.png shows all, NAME-attention/ has each head's map, mask and overlay",
        "--output-dir");
    private readonly Option<double> _threshold = OptionFactory.Value(
        "--threshold", "share of the attention that masks and overlays keep", AttentionMap.DefaultMass);
    private readonly Option<int?> _imageSize = OptionFactory.Maybe<int>(
        "--image-size",
        $"makes the shorter side this long, in pixels; by default the picture's own size, but at most {PictureView.UsualSide} "
        + $"(and never more area than {PictureView.MaxAspect} times the shorter side's square)");
    private readonly Option<double> _faultShare = OptionFactory.Value(
        "--fault-share", "part of several pictures that may be unusable", 0.05);
    private readonly DecodingOptions _decoding = new();
    private readonly WeightsOptions _weights = new();

    public static Command Create()
    {
        var attention = new AttentionCommand();
        var command = new Command("attention", "draw what each attention head of a Vision Transformer looks at");
        command.Arguments.Add(attention._images);
        attention._imagePath.Hidden = true; // the reference's way to say it
        Option[] own = [attention._imagePath, attention._out, attention._threshold, attention._imageSize, attention._faultShare];
        foreach (var option in own.Concat(attention._decoding.All).Concat(attention._weights.All))
        {
            command.Options.Add(option);
        }

        command.SetAction(attention.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var terminal = Terminal.Of(parsed);
        string images = parsed.GetValue(_images) ?? parsed.GetValue(_imagePath)
            ?? throw new RequestException("no picture is named: give a picture or a folder of pictures");
        var drawing = ReadDrawing(parsed);
        double faultShare = parsed.GetValue(_faultShare) is >= 0 and <= 1 and var share
            ? share
            : throw new RequestException("--fault-share is a part of the pictures, from 0 to 1");
        using var source = IsPicture(images) ? null : ImageSources.Open(images);
        if (source is not null)
        {
            Wording.TellNotices(terminal, source);
        }

        using var backbone = _weights.Load(parsed, GlobalOptions.DeviceOf(parsed), terminal);
        var network = backbone as VisionTransformer ?? throw new RequestException(
            $"{_weights.PathOf(parsed)}: a ResNet has no attention to draw; give the weights of a Vision Transformer");
        var faults = new FaultLog();
        var decoding = _decoding.Read(parsed, network.InputChannels);
        var sheets = source is null
            ? [DrawOne(network, images, decoding, drawing)]
            : DrawAll(network, source, decoding, drawing, faults, faultShare, terminal);

        Wording.TellFaults(terminal, faults.Faults, source?.Count ?? 1, "were left out");
        terminal.Line(sheets.Count == 1
            ? sheets[0]
            : $"{drawing.Folder}: {Wording.Number(sheets.Count)} pictures; the first is {sheets[0]}");
        terminal.Result(new JsonObject
        {
            ["heads"] = network.Options.Heads,
            ["sheets"] = new JsonArray([.. sheets.Select(s => JsonValue.Create(Path.GetFullPath(s)))]),
            ["skipped"] = new JsonArray([.. faults.Faults.Select(f => new JsonObject { ["name"] = f.Name, ["reason"] = f.Reason })]),
        });
        return 0;
    }

    private Drawing ReadDrawing(ParseResult parsed)
    {
        string folder = parsed.GetValue(_out) ?? throw new RequestException("--out is missing: name a folder for the pictures");
        double threshold = parsed.GetValue(_threshold) is >= 0 and <= 1 and var mass
            ? mass
            : throw new RequestException("--threshold is a share of the attention, from 0 to 1");
        int? size = parsed.GetValue(_imageSize);
        return size is < 1 or > EvaluationRecipe.MaxSize
            ? throw new RequestException($"--image-size is from 1 to {EvaluationRecipe.MaxSize}, not {size}")
            : new Drawing(folder, threshold, size);
    }

    /// <summary>Whether a path is a file and no set of images as <see cref="ImageSources"/> knows them.</summary>
    private static bool IsPicture(string path) => File.Exists(path)
        && Path.GetExtension(path).ToLowerInvariant()
            is not (".zip" or ".tar" or ".parquet" or ".csv" or ".tsv" or ".txt" or ".bin" or ".gz")
        && !path.EndsWith("-ubyte", StringComparison.Ordinal);

    private static string DrawOne(VisionTransformer network, string path, DecodeOptions decoding, Drawing drawing)
    {
        using var picture = ImageDecoder.Load(path, decoding);
        return Draw(network, picture, path, new OutputNames().Next(Path.GetFileName(path)), drawing);
    }

    private static List<string> DrawAll(
        VisionTransformer network,
        IImageSource source,
        DecodeOptions decoding,
        Drawing drawing,
        FaultLog faults,
        double faultShare,
        Terminal terminal)
    {
        var (sheets, names) = (new List<string>(), new OutputNames());
        using var progress = new ImageProgress(terminal, "attention", source.Count);
        for (int i = 0; i < source.Count; i++)
        {
            string name = source.NameOf(i);
            using (var picture = faults.TryLoad(source, i, decoding))
            {
                try
                {
                    if (picture is not null)
                    {
                        sheets.Add(Draw(network, picture, name, names.Next(name), drawing));
                    }
                }
                catch (EvaluationException error)
                {
                    faults.Add(i, name, error.Message); // smaller than a patch
                }
            }

            faults.ThrowIfMoreThan(faultShare, source);
            progress.Show(i + 1);
        }

        progress.Finish();
        return sheets.Count > 0 ? sheets : throw new ImageSourceException(source.Path, "none of its images can be used");
    }

    private static string Draw(VisionTransformer network, PixelImage picture, string name, string outputName, Drawing drawing)
    {
        using var view = PictureView.Of(picture, network.Options.PatchSize, drawing.ShorterSide);
        using var scope = NewDisposeScope();
        var pixels = tensor(view.Pixels.ToArray(), [1, view.Height, view.Width, view.Channels], ScalarType.Byte); // [1, H, W, C]
        var heads = AttentionMaps.Of(network, PixelNormalization.For(view.Channels).Apply(pixels, CPU), name);
        using var shown = ImagePreview.Of(view);
        return AttentionPictures.Save(shown, heads, drawing.Threshold, Path.Combine(drawing.Folder, outputName));
    }

    private sealed record Drawing(string Folder, double Threshold, int? ShorterSide);
}
