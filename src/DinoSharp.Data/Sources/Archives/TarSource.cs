using DinoSharp.Imaging;
using Microsoft.Win32.SafeHandles;

namespace DinoSharp.Data;

/// <summary>Images in a tar archive, read by any number of threads at once without a lock.</summary>
internal sealed class TarSource : IImageSource
{
    private static readonly byte[] GzipMark = [0x1f, 0x8b];

    private readonly SafeFileHandle _file;
    private readonly ImageListing _listing;
    private readonly long[] _offsets;
    private readonly int[] _sizes;

    private TarSource(string path, SafeFileHandle file, ImageListing listing, long[] offsets, int[] sizes, IReadOnlyList<string> notices)
    {
        Path = path;
        _file = file;
        _listing = listing;
        _offsets = offsets;
        _sizes = sizes;
        Notices = notices;
    }

    public string Path { get; }

    public int Count => _offsets.Length;

    public IReadOnlyList<string> Classes => _listing.Classes;

    public IReadOnlyList<string> Notices { get; }

    /// <summary>
    /// Opens an archive; its folders are classes or splits as <see cref="ImageTree"/> has it. One with classes in files of their own is a
    /// WebDataset shard instead.
    /// </summary>
    public static IImageSource Open(string path, string? split)
    {
        SafeFileHandle file = File.OpenHandle(path, options: FileOptions.RandomAccess);
        try
        {
            TarHeaders headers = new(file);
            NameTable names = new();
            List<long> offsets = [];
            List<int> sizes = [];
            bool isShard = false;
            while (!isShard && headers.Next())
            {
                isShard = headers.Name.EndsWith(".cls"u8);
                if (ImageNames.IsImage(headers.Name))
                {
                    names.Add(headers.Name);
                    offsets.Add(headers.Offset);
                    sizes.Add(ArchivedBytes.Fitting(headers.Size));
                }
            }

            if (isShard)
            {
                file.Dispose();
                return split is null
                    ? ShardSource.Open(FileSet.OfFile(path))
                    : throw new ImageSourceException(path, $"a shard has no splits; leave out '{split}'");
            }

            if (names.Count == 0 && headers.Damage is { } damage)
            {
                throw headers.Peek(0, 2).SequenceEqual(GzipMark)
                    ? new ImageSourceException(path, "it is a compressed archive, which cannot be read at random; unpack it first (gunzip)")
                    : new ImageSourceException(path, $"no tar archive or a damaged one: it {damage}; fetch or make it again");
            }

            (ImageListing listing, int[] places) = ImageTree.Read(path, names, split, headers.Unclean);
            return new TarSource(
                path, file, listing, [.. places.Select(place => offsets[place])], [.. places.Select(place => sizes[place])], NoticesOf(path, headers));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>What is to be said of an archive that was followed to its end, or as far as it goes.</summary>
    public static string[] NoticesOf(string path, TarHeaders headers)
    {
        List<string> notices = [];
        if (headers.Damage is { } damage)
        {
            notices.Add($"{path}: it {damage}; the images before are used");
        }

        return [.. notices, .. ImageNames.NoticesOfUnclean(path, headers.Unclean)];
    }

    public string NameOf(int index) => _listing.Names[index];

    public int LabelOf(int index) => _listing.LabelOf(index);

    public string? FileOf(int index) => Path;

    public PixelImage Load(int index, DecodeOptions options)
    {
        using EncodedImage image = ArchivedBytes.Read(_file, _offsets[index], _sizes[index], NameOf(index));
        return image.Decode(options);
    }

    public void Dispose() => _file.Dispose();
}
