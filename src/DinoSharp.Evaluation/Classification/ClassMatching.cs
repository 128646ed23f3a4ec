using DinoSharp.Data;

namespace DinoSharp.Evaluation.Classification;

/// <summary>Which output of a classifier each class of a source is.</summary>
public sealed class ClassMatching
{
    private readonly int[] _outputs;

    private ClassMatching(int[] outputs, IReadOnlyList<string> unknown) => (_outputs, Unknown) = (outputs, unknown);

    /// <summary>Classes of the source that the classifier does not know: their images count as missed.</summary>
    public IReadOnlyList<string> Unknown { get; }

    /// <summary>By name; where the classifier knows numbers only, by the order of the names, as PyTorch numbers class folders.</summary>
    /// <param name="source">with labels</param>
    /// <param name="classes">the classifier's, one an output</param>
    /// <param name="named">whether these are names, and not numbers only</param>
    /// <exception cref="EvaluationException">None of the classes is known, or numbers cannot be matched.</exception>
    public static ClassMatching Of(IImageSource source, IReadOnlyList<string> classes, bool named = true)
    {
        if (!named)
        {
            int[] order = [.. Enumerable.Range(0, source.Classes.Count).OrderBy(i => source.Classes[i], StringComparer.Ordinal)];
            return order.Length == classes.Count
                ? new ClassMatching([.. order.Index().OrderBy(pair => pair.Item).Select(pair => pair.Index)], [])
                : throw new EvaluationException(
                    $"{source.Path}: its {order.Length} classes are not the classifier's {classes.Count}, and the classifier's file has no names for them");
        }

        var outputs = classes.Index().ToDictionary(pair => pair.Item, pair => pair.Index, StringComparer.Ordinal);
        int[] matched = [.. source.Classes.Select(name => outputs.GetValueOrDefault(name, -1))];
        return matched.Any(output => output >= 0)
            ? new ClassMatching(matched, [.. source.Classes.Where(name => !outputs.ContainsKey(name))])
            : throw new EvaluationException(
                $"{source.Path}: none of its classes ({string.Join(", ", source.Classes.Take(3))}, ...) is one of the classifier's "
                + $"({string.Join(", ", classes.Take(3))}, ...)");
    }

    /// <summary>The output that is right for a label; -1 where the classifier does not know the class, or there is no label.</summary>
    public int OutputOf(int label) => label >= 0 ? _outputs[label] : -1;
}
