using System.Globalization;
using DinoSharp.Checkpoints;

namespace DinoSharp.Evaluation.Video;

/// <summary>What a propagation has to remember between frames beside the frames themselves.</summary>
/// <param name="Frames">frames done, the first one included</param>
/// <param name="IsWhole">whether there are no more frames: then no labels are kept</param>
/// <param name="Labels">soft labels of the last ones, oldest first // [h w, labels] each</param>
public sealed record PropagationState(int Frames, bool IsWhole, IReadOnlyList<float[]> Labels)
{
    private const string Count = "frames";
    private const string Whole = "whole";
    private const string Origin = "request";
    private const string Size = "bytes";
    private const string TooSmall = "lost";

    /// <summary>Bytes of the files that the frames came from: other frames under their names hardly have as many.</summary>
    public long Bytes { get; init; }

    /// <summary>Numbers of objects that are too small to be followed.</summary>
    public IReadOnlyList<byte> Lost { get; init; } = [];

    /// <summary>Writes it as safetensors, whole or not at all.</summary>
    /// <param name="path">the file</param>
    /// <param name="request">what was asked for, so that another request does not go on with it</param>
    public void Save(string path, string request)
    {
        var arrays = new NamedArrays();
        for (int i = 0; i < Labels.Count; i++)
        {
            arrays.Add(NameOf(i), ArrayData.FromFloat32(Labels[i], Labels[i].Length));
        }

        var texts = new Dictionary<string, string>
        {
            [Count] = Frames.ToString(CultureInfo.InvariantCulture),
            [Whole] = IsWhole.ToString(CultureInfo.InvariantCulture),
            [Origin] = request,
            [Size] = Bytes.ToString(CultureInfo.InvariantCulture),
            [TooSmall] = string.Join(' ', Lost),
        };
        SafetensorsFile.Write(path, arrays, texts);
    }

    /// <summary>Reads it.</summary>
    /// <exception cref="EvaluationException">It is of another request, or no such state.</exception>
    /// <exception cref="CheckpointException">The file is missing or damaged.</exception>
    public static PropagationState Load(string path, string request)
    {
        var arrays = SafetensorsFile.Read(path, out var texts);
        if (!texts.TryGetValue(Count, out string? count) || !int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out int frames)
            || !long.TryParse(texts.GetValueOrDefault(Size), NumberStyles.None, CultureInfo.InvariantCulture, out long bytes))
        {
            throw new EvaluationException($"{path}: is no state of a segmentation; delete it to begin anew");
        }

        if (texts.GetValueOrDefault(Origin) != request)
        {
            throw new EvaluationException(
                $"{path}: the folder holds a segmentation by other weights, settings, frames or first mask; name another folder or delete this one");
        }

        return new(frames, texts.GetValueOrDefault(Whole) == bool.TrueString, [.. Enumerable.Range(0, arrays.Count).Select(i => arrays[NameOf(i)].ToFloat32())])
        {
            Bytes = bytes,
            Lost = [.. texts.GetValueOrDefault(TooSmall, "").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Number)],
        };

        byte Number(string text) => byte.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out byte number)
            ? number
            : throw new EvaluationException($"{path}: is no state of a segmentation; delete it to begin anew");
    }

    private static string NameOf(int index) => string.Create(CultureInfo.InvariantCulture, $"labels{index}");
}
