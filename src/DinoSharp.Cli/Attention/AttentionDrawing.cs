using DinoSharp.Data;
using DinoSharp.Evaluation;
using DinoSharp.Evaluation.Attention;
using DinoSharp.Imaging;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;

namespace DinoSharp.Cli.Attention;

/// <summary>Draws the attention of pictures into a folder.</summary>
/// <param name="network">whose attention</param>
/// <param name="folder">where the drawings go</param>
/// <param name="mass">share of the attention that masks and overlays keep</param>
/// <param name="view">the size at which attention is computed</param>
/// <param name="decoding">how pictures are read</param>
internal sealed class AttentionDrawing(VisionTransformer network, string folder, double mass, PictureView view, DecodeOptions decoding)
{
    private readonly OutputNames _names = new();

    /// <summary>Draws one picture.</summary>
    /// <returns>the sheet's path</returns>
    public string One(string path)
    {
        using var picture = ImageDecoder.Load(path, decoding);
        return Draw(picture, path, Path.GetFileName(path));
    }

    /// <summary>Draws all usable pictures of a source.</summary>
    /// <param name="source">the pictures</param>
    /// <param name="faults">gets those that cannot be used</param>
    /// <param name="faultShare">the part of them that may be unusable</param>
    /// <param name="terminal">told how far it is</param>
    /// <returns>the sheets' paths</returns>
    public List<string> All(IImageSource source, FaultLog faults, double faultShare, Terminal terminal)
    {
        var sheets = new List<string>();
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
                        sheets.Add(Draw(picture, name, name));
                    }
                }
                catch (EvaluationException error)
                {
                    faults.Add(i, name, error.Message); // smaller than a patch
                }
            }

            faults.ThrowIfMoreThan(faultShare, source);
            TorchRuntime.Sweep();
            progress.Show(i + 1);
        }

        progress.Finish();
        return sheets.Count > 0 ? sheets : throw new ImageSourceException(source.Path, "none of its images can be used");
    }

    private string Draw(PixelImage picture, string name, string outputName)
    {
        using var seen = view.Of(picture, network.Options.PatchSize);
        var heads = AttentionMaps.Of(network, seen, name);
        using var shown = ImagePreview.Of(seen);
        return AttentionPictures.Save(shown, heads, mass, Path.Combine(folder, _names.Next(outputName)));
    }
}
