using DinoSharp.Data;

namespace DinoSharp.Evaluation.CopyDetection;

/// <summary>Features of a run of a source's images, in its order.</summary>
/// <param name="values">room for them // [most images, F]</param>
/// <param name="dim">length F of a feature</param>
/// <param name="start">the first image of the run</param>
internal sealed class FeaturePart(float[] values, int dim, int start = 0)
{
    private readonly List<int> _indices = [];
    private readonly List<Fault> _faults = [];

    public int Dim => dim;

    public int Start { get; } = start;

    /// <summary>The first image behind the run.</summary>
    public int Covered { get; private set; } = start;

    /// <summary>Which image of the source each row is.</summary>
    public IReadOnlyList<int> Indices => _indices;

    /// <summary>The images of the run that could not be used.</summary>
    public IReadOnlyList<Fault> Faults => _faults;

    /// <summary>The rows there are // [N, F]</summary>
    public float[] Used() => _indices.Count * dim == values.Length ? values : values[..(_indices.Count * dim)];

    /// <summary>Adds rows.</summary>
    public void Add(IEnumerable<int> images, ReadOnlySpan<float> rows)
    {
        rows.CopyTo(values.AsSpan(_indices.Count * dim));
        _indices.AddRange(images);
    }

    /// <summary>All images before this one are dealt with.</summary>
    /// <param name="end">the first image that is not</param>
    /// <param name="faults">of any images</param>
    public void Cover(int end, IEnumerable<Fault> faults)
    {
        _faults.AddRange(faults.Where(fault => fault.Index >= Covered && fault.Index < end));
        Covered = end;
    }

    /// <summary>Adds the run that follows.</summary>
    public void Append(FeaturePart next)
    {
        Add(next.Indices, next.Used());
        Cover(next.Covered, next.Faults);
    }
}
