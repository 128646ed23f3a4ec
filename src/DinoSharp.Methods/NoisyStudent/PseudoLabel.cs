namespace DinoSharp.Methods.NoisyStudent;

/// <summary>What a teacher says of an image without a label.</summary>
/// <param name="Image">the image's number in its source</param>
/// <param name="Probabilities">of each class</param>
public sealed record PseudoLabel(int Image, ReadOnlyMemory<float> Probabilities)
{
    /// <summary>The most probable class; of equal ones the first.</summary>
    public int Class { get; } = IndexOfLargest(Probabilities.Span);

    /// <summary>The probability of that class.</summary>
    public float Confidence => Probabilities.Span[Class];

    private static int IndexOfLargest(ReadOnlySpan<float> values)
    {
        int best = 0;
        for (int i = 1; i < values.Length; i++)
        {
            best = values[i] > values[best] ? i : best;
        }

        return best;
    }
}
