using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>Some images of another source, in a given order. The other source stays its owner's to dispose.</summary>
public sealed class SubsetSource : IImageSource
{
    private readonly IImageSource _whole;
    private readonly IReadOnlyList<int> _indices;

    /// <param name="whole">The source chosen from.</param>
    /// <param name="indices">Image i of this source is image <c>indices[i]</c> of the whole.</param>
    /// <exception cref="ImageSourceException">No image is chosen.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An index is none of the whole's.</exception>
    public SubsetSource(IImageSource whole, IReadOnlyList<int> indices)
    {
        ArgumentNullException.ThrowIfNull(whole);
        ArgumentNullException.ThrowIfNull(indices);
        if (indices.Count == 0)
        {
            throw new ImageSourceException(whole.Path, "none of its images is chosen; choose at least one");
        }

        foreach (int index in indices)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index, nameof(indices));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, whole.Count, nameof(indices));
        }

        _whole = whole;
        _indices = indices;
    }

    public string Path => _whole.Path;

    public int Count => _indices.Count;

    public IReadOnlyList<string> Classes => _whole.Classes;

    public string NameOf(int index) => _whole.NameOf(_indices[index]);

    public int LabelOf(int index) => _whole.LabelOf(_indices[index]);

    public PixelImage Load(int index, DecodeOptions options) => _whole.Load(_indices[index], options);

    public void Dispose()
    {
        // The whole is not this object's.
    }
}
