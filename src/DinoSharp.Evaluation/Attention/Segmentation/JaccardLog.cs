using System.Text;
using System.Text.Json;
using DinoSharp.Imaging;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Weights;

namespace DinoSharp.Evaluation.Attention.Segmentation;

/// <summary>
/// What was measured image by image, in a file that grows as it is measured: a first line of what the numbers depend on, then a line of
/// JSON an image. A measurement that was stopped goes on from it.
/// </summary>
public sealed class JaccardLog : IDisposable
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private readonly Dictionary<string, ImageJaccard> _measured = new(StringComparer.Ordinal);
    private readonly FileStream _file;

    private JaccardLog(FileStream file) => _file = file;

    /// <summary>Images that are measured.</summary>
    public int Count => _measured.Count;

    /// <summary>Opens a log, or begins it.</summary>
    /// <param name="path">the file; its folder is made</param>
    /// <param name="network">whose attention is measured</param>
    /// <param name="options">how masks are made of it</param>
    /// <param name="decoding">how pictures are read</param>
    /// <param name="data">which images are measured: the folders of pictures and masks</param>
    /// <exception cref="EvaluationException">The file is of another network, of other settings or images, or damaged.</exception>
    public static JaccardLog Open(
        string path, VisionTransformer network, SegmentationOptions options, DecodeOptions decoding, IReadOnlyList<string> data)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        string head = JsonSerializer.Serialize(
            new Head(
                WeightsFingerprint.Of(network), [.. data.Select(folder => Path.GetFullPath(folder))], options.Mass, options.Height, options.Width,
                decoding.ApplyOrientation, decoding.Background),
            Json);
        var log = new JaccardLog(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read));
        try
        {
            log.Read(path, head);
            return log;
        }
        catch
        {
            log.Dispose();
            throw;
        }
    }

    /// <summary>What was measured of an image; null if nothing was.</summary>
    public ImageJaccard? Find(string image) => _measured.GetValueOrDefault(image);

    /// <summary>Notes what was measured.</summary>
    public void Add(ImageJaccard image)
    {
        Write(JsonSerializer.Serialize(image, Json));
        _measured[image.Image] = image;
    }

    public void Dispose() => _file.Dispose();

    private void Read(string path, string head)
    {
        byte[] bytes = new byte[_file.Length];
        _file.ReadExactly(bytes);
        int end = Array.LastIndexOf(bytes, (byte)'\n') + 1; // what a kill left of a line is dropped
        string[] lines = Encoding.UTF8.GetString(bytes, 0, end).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length > 0 && lines[0] != head)
        {
            throw new EvaluationException(
                $"{path}: was measured with other weights, images or settings; delete it, or let the result go elsewhere");
        }

        try
        {
            foreach (string line in lines.Skip(1))
            {
                var image = JsonSerializer.Deserialize<ImageJaccard>(line, Json)!;
                _measured[image.Image] = image;
            }
        }
        catch (JsonException error)
        {
            throw new EvaluationException($"{path}: is damaged ({error.Message.TrimEnd('.')}); delete it and measure again", error);
        }

        _file.SetLength(end);
        _file.Position = end;
        if (lines.Length == 0)
        {
            Write(head);
        }
    }

    private void Write(string line)
    {
        _file.Write(Encoding.UTF8.GetBytes(line + "\n"));
        _file.Flush();
    }

    /// <summary>All that the numbers follow from; of the weights a hash, as a file of the same name may hold others tomorrow.</summary>
    private sealed record Head(
        string Weights, string[] Data, double Mass, int Height, int Width, bool Upright, PixelColor? Background);
}
