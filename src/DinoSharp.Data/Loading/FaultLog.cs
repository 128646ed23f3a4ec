using System.Collections.Concurrent;
using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>An image that could not be used.</summary>
/// <param name="Index">Its index in the source.</param>
/// <param name="Name">Its name in the source.</param>
/// <param name="Reason">One line.</param>
public sealed record Fault(int Index, string Name, string Reason);

/// <summary>The images that could not be used, each once. Safe to use from several threads.</summary>
public sealed class FaultLog
{
    private const int Shown = 3;

    private readonly ConcurrentDictionary<int, Fault> _faults = new();

    public int Count => _faults.Count;

    /// <summary>The faults so far, by index.</summary>
    public IReadOnlyList<Fault> Faults => [.. _faults.Values.OrderBy(fault => fault.Index)];

    internal bool Contains(int index) => _faults.ContainsKey(index);

    /// <summary>Notes an image that could be loaded but not used.</summary>
    /// <param name="index">Its index in the source.</param>
    /// <param name="name">Its name in the source.</param>
    /// <param name="reason">One line.</param>
    public void Add(int index, string name, string reason) => _faults.TryAdd(index, new Fault(index, name, reason));

    /// <summary>Notes images that others could not use, and gives up if these are too many.</summary>
    /// <exception cref="ImageSourceException">More than this share of the source's images.</exception>
    internal void AddAll(IEnumerable<Fault> faults, double share, IImageSource source)
    {
        ArgumentNullException.ThrowIfNull(faults);
        foreach (Fault fault in faults)
        {
            Add(fault.Index, fault.Name, fault.Reason);
        }

        ThrowIfMoreThan(share, source);
    }

    /// <summary>Loads an image, or notes why that is impossible and gives null.</summary>
    public PixelImage? TryLoad(IImageSource source, int index, DecodeOptions options)
    {
        try
        {
            return Usable(source, index, source.Load(index, options));
        }
        catch (Exception error) when (IsFault(error))
        {
            Add(index, source.NameOf(index), error.Message.ReplaceLineEndings(" "));
            return null;
        }
    }

    /// <summary>The same for an image of a run that is read front to back.</summary>
    internal PixelImage? TryTake(IImageSource source, int index, Func<EncodedImage> take, DecodeOptions options)
    {
        try
        {
            using EncodedImage encoded = take();
            return Usable(source, index, encoded.Decode(options));
        }
        catch (Exception error) when (IsFault(error))
        {
            Add(index, source.NameOf(index), error.Message.ReplaceLineEndings(" "));
            return null;
        }
    }

    /// <summary>Whether a failure is of the one image; any other is of the program or the machine.</summary>
    internal static bool IsFault(Exception error) => error is ImageFormatException or IOException or UnauthorizedAccessException;

    /// <summary>Gives up on a source of which too many images are unusable.</summary>
    /// <exception cref="ImageSourceException">More than this share of its images.</exception>
    public void ThrowIfMoreThan(double share, IImageSource source)
    {
        if (Count > share * source.Count)
        {
            string first = string.Join("; ", Faults.Take(Shown).Select(fault => fault.Reason));
            throw new ImageSourceException(
                source.Path, $"{Count} of {source.Count} images cannot be used, too many; mend or remove them. The first: {first}");
        }
    }

    private static PixelImage Usable(IImageSource source, int index, PixelImage image)
    {
        if (image.Width > 1 || image.Height > 1)
        {
            return image;
        }

        image.Dispose();
        throw new ImageFormatException(source.NameOf(index), "an image of a single pixel shows nothing");
    }
}
