using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DinoSharp.Checkpoints;
using DinoSharp.Data;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.CopyDetection;

/// <summary>
/// Features on disk, part by part: KEY/000000000.safetensors has those of the first images, and the next file's name is the first image
/// behind them. The key is of the network, the images and how they are shown, so that what is read fits.
/// </summary>
/// <param name="folder">made when the first part is written</param>
/// <param name="key">of <see cref="KeyOf"/></param>
/// <param name="dim">length F of a feature</param>
internal sealed class FeatureStore(string folder, string key, int dim)
{
    private const int KeyBytes = 8;

    /// <summary>What tells a network from others: a hash of its state.</summary>
    public static string FingerprintOf(nn.Module network)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (name, value) in network.state_dict())
        {
            using var scope = NewDisposeScope();
            hash.AppendData(Encoding.UTF8.GetBytes($"{name} {string.Join(',', value.shape)}\n"));
            hash.AppendData(value.cpu().contiguous().bytes);
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    /// <summary>What tells images seen in one way from others: names, and of files their sizes and when they were written.</summary>
    public static string KeyOf(IImageSource source, string how)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{how}\n{Path.GetFullPath(source.Path)}\n"));
        for (int i = 0; i < source.Count; i++)
        {
            string name = source.NameOf(i);
            var file = new FileInfo(Path.Combine(source.Path, name));
            string state = file.Exists ? string.Create(CultureInfo.InvariantCulture, $"{file.Length} {file.LastWriteTimeUtc.Ticks}") : "";
            hash.AppendData(Encoding.UTF8.GetBytes($"{name} {state}\n"));
        }

        string set = Path.GetFileName(Path.TrimEndingDirectorySeparator(source.Path));
        return $"{set}-{Convert.ToHexString(hash.GetHashAndReset(), 0, KeyBytes).ToLowerInvariant()}";
    }

    /// <summary>The part that begins with an image; null if it is not there.</summary>
    /// <exception cref="CheckpointException">The file is damaged; one line.</exception>
    public FeaturePart? Read(int start)
    {
        string path = PathOf(start);
        if (!File.Exists(path))
        {
            return null;
        }

        var arrays = SafetensorsFile.Read(path, out var metadata);
        try
        {
            int[] indices = [.. arrays["indices"].ToInt64().Select(index => (int)index)];
            float[] features = arrays["features"].ToFloat32();
            FeaturePart part = new(new float[indices.Length * dim], dim, start);
            part.Add(indices, features);
            part.Cover(int.Parse(metadata["end"], CultureInfo.InvariantCulture), JsonSerializer.Deserialize<Fault[]>(metadata["faults"])!);
            return part.Covered > start ? part : throw new FormatException("it ends where it begins");
        }
        catch (Exception error) when (error is KeyNotFoundException or FormatException or JsonException or ArgumentException or InvalidCastException)
        {
            throw new CheckpointException($"{path}: holds no features of {dim} values; delete it, they are then computed again", error);
        }
    }

    /// <summary>Keeps a part.</summary>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    public void Write(FeaturePart part)
    {
        Directory.CreateDirectory(Path.Combine(folder, key));
        var arrays = new NamedArrays();
        arrays.Add("features", ArrayData.FromFloat32(part.Used(), part.Indices.Count, dim));
        arrays.Add("indices", ArrayData.FromInt64([.. part.Indices.Select(index => (long)index)], part.Indices.Count));
        SafetensorsFile.Write(PathOf(part.Start), arrays, new Dictionary<string, string>
        {
            ["end"] = part.Covered.ToString(CultureInfo.InvariantCulture),
            ["faults"] = JsonSerializer.Serialize(part.Faults),
        });
    }

    private string PathOf(int start) => Path.Combine(folder, key, string.Create(CultureInfo.InvariantCulture, $"{start:D9}.safetensors"));
}
