using System.Globalization;

namespace DinoSharp.Evaluation.Video.Davis;

/// <summary>
/// DAVIS 2017 in its public layout: JPEGImages/480p/SEQUENCE/00000.jpg, Annotations/480p/SEQUENCE/00000.png and a list of sequences,
/// ImageSets/2017/val.txt.
/// </summary>
public sealed class DavisSet
{
    private readonly string _frames;
    private readonly string _annotations;

    /// <summary>Opens the set.</summary>
    /// <param name="root">the folder with JPEGImages, Annotations and ImageSets</param>
    /// <param name="split">which list of sequences: val or train, and whatever else lies there</param>
    /// <param name="resolution">the folder in JPEGImages and Annotations</param>
    /// <exception cref="EvaluationException">The layout is another one, or the list is empty.</exception>
    public DavisSet(string root, string split = "val", string resolution = "480p")
    {
        Split = split;
        (_frames, _annotations) = (Path.Combine(root, "JPEGImages", resolution), Path.Combine(root, "Annotations", resolution));
        string list = Path.Combine(root, "ImageSets", "2017", split + ".txt");
        foreach (string folder in new[] { _frames, _annotations })
        {
            if (!Directory.Exists(folder))
            {
                throw new EvaluationException($"{folder}: is not there; --data is the folder of DAVIS 2017 with JPEGImages, Annotations and ImageSets");
            }
        }

        if (!File.Exists(list))
        {
            throw new EvaluationException($"{list}: is not there; it lists the sequences of the split, a name a line");
        }

        Sequences = [.. File.ReadLines(list).Select(line => line.Trim()).Where(line => line.Length > 0)];
        if (Sequences.Count == 0)
        {
            throw new EvaluationException($"{list}: names no sequence");
        }

        if (Sequences.FirstOrDefault(name => name is "." or ".." || name.IndexOfAny(['/', '\\']) >= 0) is { } outside)
        {
            throw new EvaluationException($"{list}: '{outside}' is no name of a sequence");
        }
    }

    /// <summary>Which of the set's parts.</summary>
    public string Split { get; }

    /// <summary>The names of the sequences, in the order of the list.</summary>
    public IReadOnlyList<string> Sequences { get; }

    /// <summary>The frames of a sequence, a folder.</summary>
    public string FramesOf(string sequence) => Path.Combine(_frames, sequence);

    /// <summary>The names of a sequence's frames without ending; all of them are annotated.</summary>
    /// <exception cref="EvaluationException">Frames or annotations are missing.</exception>
    public IReadOnlyList<string> NamesOf(string sequence)
    {
        string[] frames = NamesIn(FramesOf(sequence), "*.jpg"), annotations = NamesIn(Path.Combine(_annotations, sequence), "*.png");
        string? lastNumbered = null;
        foreach (string name in frames)
        {
            if (Number(name) is { } number && lastNumbered is not null && Number(lastNumbered) is { } before && number != before + 1)
            {
                throw new EvaluationException($"{FramesOf(sequence)}: between {lastNumbered}.jpg and {name}.jpg there are frames missing; unpack it again");
            }

            lastNumbered = name;
        }

        return frames.Except(annotations).FirstOrDefault() is { } missing
            ? throw new EvaluationException($"{AnnotationOf(sequence, missing)}: is not there, but its frame is; unpack the annotations again")
            : frames;
    }

    /// <summary>Where the true mask of a frame is.</summary>
    public string AnnotationOf(string sequence, string frame) => Path.Combine(_annotations, sequence, frame + ".png");

    private static string[] NamesIn(string folder, string pattern) => Directory.Exists(folder)
        && Directory.GetFiles(folder, pattern) is { Length: > 0 } files
            ? [.. files.Select(file => Path.GetFileNameWithoutExtension(file)!).Order(StringComparer.Ordinal)]
            : throw new EvaluationException($"{folder}: has no {pattern[1..]} files; unpack the sequence there, or take it off the split's list");

    private static int? Number(string name) => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
}
