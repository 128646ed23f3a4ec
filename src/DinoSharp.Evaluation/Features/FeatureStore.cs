using System.Globalization;
using System.IO.Hashing;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DinoSharp.Checkpoints;
using DinoSharp.Data;

namespace DinoSharp.Evaluation.Features;

/// <summary>
/// Features of a set of images on disk, part by part: KEY/000000000.safetensors has those of the first images, and the next file's name is
/// the first image behind them. The key is of the images, how they are shown and what is computed of them, so that what is read fits.
/// </summary>
internal sealed class FeatureStore
{
    private const int KeyBytes = 8;
    private const string Ending = ".safetensors";

    private readonly string _folder;
    private readonly int _images;
    private readonly int _dim;

    /// <param name="folder">keeps features of any sets and networks; made if it is not there</param>
    /// <param name="loader">the images</param>
    /// <param name="function">what is computed of them</param>
    /// <exception cref="EvaluationException">The folder cannot be made.</exception>
    public FeatureStore(string folder, EvaluationLoader loader, FeatureFunction function)
    {
        (_images, _dim) = (loader.Source.Count, function.Dim);
        Key = KeyOf(loader.Source, $"{function.Identity}, {loader.View}");
        _folder = Path.Combine(folder, Key);
        try
        {
            Directory.CreateDirectory(_folder); // before hours of work
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new EvaluationException($"{folder}: features cannot be kept there ({error.Message.TrimEnd('.')}); name another folder", error);
        }
    }

    /// <summary>What the images, their view and the function are known by.</summary>
    public string Key { get; }

    /// <summary>The first image of each part that is there.</summary>
    public HashSet<int> Starts() =>
    [
        .. Directory.EnumerateFiles(_folder, $"*{Ending}").Select(path => Path.GetFileNameWithoutExtension(path))
            .Where(name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            .Select(name => int.Parse(name, CultureInfo.InvariantCulture)),
    ];

    /// <summary>The first image behind the part that begins with an image; its features are not read.</summary>
    /// <exception cref="CheckpointException">The file is damaged; one line.</exception>
    public int EndOf(int start) => Read(start, path =>
        int.Parse(SafetensorsFile.ReadTexts(path)["end"], CultureInfo.InvariantCulture) is var end && end > start && end <= _images
            ? end
            : throw new FormatException("it ends where no part can"));

    /// <summary>The part that begins with an image.</summary>
    /// <exception cref="CheckpointException">The file is damaged; one line.</exception>
    public FeaturePart Read(int start) => Read(start, path =>
    {
        var arrays = SafetensorsFile.Read(path, out var texts);
        int[] indices = [.. arrays["indices"].ToInt64().Select(index => checked((int)index))];
        FeaturePart part = new(
            start,
            int.Parse(texts["end"], CultureInfo.InvariantCulture),
            indices,
            arrays["features"].ToFloat32(),
            JsonSerializer.Deserialize<Fault[]>(texts["faults"]) ?? []);
        return texts["checksum"] == ChecksumOf(arrays) && Fits(part) ? part : throw new FormatException("its values were changed");
    });

    /// <summary>Keeps a part.</summary>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    public void Write(FeaturePart part)
    {
        var arrays = new NamedArrays();
        arrays.Add("features", ArrayData.FromFloat32(part.Values.ToArray(), part.Indices.Length, _dim));
        arrays.Add("indices", ArrayData.FromInt64([.. part.Indices.Select(index => (long)index)], part.Indices.Length));
        SafetensorsFile.Write(PathOf(part.Start), arrays, new Dictionary<string, string>
        {
            ["end"] = part.End.ToString(CultureInfo.InvariantCulture),
            ["faults"] = JsonSerializer.Serialize(part.Faults),
            ["checksum"] = ChecksumOf(arrays),
        });
    }

    private T Read<T>(int start, Func<string, T> read)
    {
        string path = PathOf(start);
        try
        {
            return read(path);
        }
        catch (Exception error) when (error is CheckpointException or KeyNotFoundException or FormatException or JsonException
            or ArgumentException or InvalidCastException or InvalidOperationException or OverflowException)
        {
            throw new CheckpointException(
                $"{path}: is damaged or no part of a set's features; delete it, and only they are computed again ({error.Message.TrimEnd('.')})", error);
        }
    }

    /// <summary>Whether each image of the run has its row or its fault.</summary>
    private bool Fits(FeaturePart part) =>
        part.End > part.Start && part.End <= _images && part.Values.Length == part.Indices.Length * _dim
        && part.Indices.Concat(part.Faults.Select(fault => fault.Index)).Order().SequenceEqual(Enumerable.Range(part.Start, part.End - part.Start));

    private string PathOf(int start) => Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"{start:D9}{Ending}"));

    private static string ChecksumOf(NamedArrays arrays)
    {
        XxHash128 hash = new();
        hash.Append(arrays["indices"].Bytes.Span);
        hash.Append(arrays["features"].Bytes.Span);
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    /// <summary>What tells images from others: their names, and of the files that hold them sizes and when they were written.</summary>
    private static string KeyOf(IImageSource source, string how)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        string place = Path.TrimEndingDirectorySeparator(Path.GetFullPath(source.Path));
        hash.AppendData(Encoding.UTF8.GetBytes($"{how}\n{place}\n"));
        (string? Path, string State) last = (null, "");
        for (int i = 0; i < source.Count; i++)
        {
            string? path = source.FileOf(i);
            if (path != last.Path)
            {
                last = (path, path is null ? "" : StateOf(new FileInfo(path))); // of an archive once for all its images
            }

            hash.AppendData(Encoding.UTF8.GetBytes($"{source.NameOf(i)} {last.State}\n"));
        }

        return $"{Path.GetFileName(place)}-{Convert.ToHexString(hash.GetHashAndReset(), 0, KeyBytes).ToLowerInvariant()}";
    }

    private static string StateOf(FileInfo file) =>
        file.Exists ? string.Create(CultureInfo.InvariantCulture, $"{file.Length} {file.LastWriteTimeUtc.Ticks}") : "";
}
