using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>Some images of another source, in a given order.</summary>
public sealed class SubsetSource : IImageSource
{
    private readonly IImageSource _whole;
    private readonly IReadOnlyList<int> _indices;
    private readonly bool _ownsWhole;

    /// <summary>Chooses images of a source that stays its owner's to dispose.</summary>
    /// <param name="whole">The source chosen from.</param>
    /// <param name="indices">Image i of this source is image <c>indices[i]</c> of the whole.</param>
    /// <exception cref="ImageSourceException">No image is chosen.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An index is none of the whole's.</exception>
    public SubsetSource(IImageSource whole, IReadOnlyList<int> indices)
        : this(whole, indices, ownsWhole: false)
    {
    }

    private SubsetSource(IImageSource whole, IReadOnlyList<int> indices, bool ownsWhole)
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
        _ownsWhole = ownsWhole;
    }

    public string Path => _whole.Path;

    public int Count => _indices.Count;

    public IReadOnlyList<string> Classes => _whole.Classes;

    public IReadOnlyList<string> Notices => _whole.Notices;

    /// <summary>
    /// Chooses images in the order in which the source has them. If the source is read front to back, so is what is chosen of it.
    /// </summary>
    /// <param name="whole">The source chosen from.</param>
    /// <param name="indices">Indices of its images, rising.</param>
    /// <param name="ownsWhole">Whether the whole is disposed with what is chosen of it.</param>
    /// <exception cref="ImageSourceException">No image is chosen.</exception>
    /// <exception cref="ArgumentException">The indices do not rise.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An index is none of the whole's.</exception>
    public static IImageSource InOrder(IImageSource whole, IReadOnlyList<int> indices, bool ownsWhole = false)
    {
        ArgumentNullException.ThrowIfNull(indices);
        for (int i = 1; i < indices.Count; i++)
        {
            if (indices[i] <= indices[i - 1])
            {
                throw new ArgumentException($"The indices must rise; {indices[i]} stands behind {indices[i - 1]}.", nameof(indices));
            }
        }

        SubsetSource subset = new(whole, indices, ownsWhole);
        return whole is IStreamedSource streamed ? new StreamedSubset(subset, streamed, indices) : subset;
    }

    public string NameOf(int index) => _whole.NameOf(_indices[index]);

    public int LabelOf(int index) => _whole.LabelOf(_indices[index]);

    public string? FileOf(int index) => _whole.FileOf(_indices[index]);

    public PixelImage Load(int index, DecodeOptions options) => _whole.Load(_indices[index], options);

    public void Dispose()
    {
        if (_ownsWhole)
        {
            _whole.Dispose();
        }
    }
}
