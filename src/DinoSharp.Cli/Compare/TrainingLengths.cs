using System.Text.Json;
using DinoSharp.Checkpoints;

namespace DinoSharp.Cli.Compare;

/// <summary>
/// The lengths of a comparison's trainings, in a file of its folder: measured one after the other before the first training, so that all are
/// measured on the same machine in the same hour, and the same whenever and wherever the comparison goes on.
/// </summary>
internal sealed class TrainingLengths
{
    private readonly string _path;
    private readonly SortedDictionary<string, TrainingLength> _lengths;

    /// <param name="folder">of the comparison</param>
    /// <exception cref="RequestException">The file is damaged.</exception>
    public TrainingLengths(string folder)
    {
        _path = Path.Combine(folder, "lengths.json");
        try
        {
            _lengths = File.Exists(_path)
                ? JsonSerializer.Deserialize<SortedDictionary<string, TrainingLength>>(File.ReadAllText(_path), ComparisonResult.Json) ?? throw new JsonException("nothing inside")
                : [];
        }
        catch (JsonException error)
        {
            throw new RequestException($"{_path}: damaged ({error.Message.TrimEnd('.')}); delete it, the lengths are then measured anew");
        }
    }

    /// <summary>A run's length, measured now if it is not known yet.</summary>
    /// <param name="run">name of its folder</param>
    /// <param name="measure">how</param>
    public TrainingLength Of(string run, Func<TrainingLength> measure)
    {
        if (!_lengths.TryGetValue(run, out var length))
        {
            _lengths[run] = length = measure();
            AtomicFile.Write(_path, stream => JsonSerializer.Serialize(stream, _lengths, ComparisonResult.Json));
        }

        return length;
    }
}
