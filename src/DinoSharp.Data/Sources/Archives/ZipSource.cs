using System.Buffers;
using System.IO.Compression;
using DinoSharp.Imaging;
using Microsoft.Win32.SafeHandles;

namespace DinoSharp.Data;

/// <summary>Images in a zip archive, read by any number of threads at once without a lock.</summary>
internal sealed class ZipSource : IImageSource
{
    private const int HeaderLength = 30, Stored = 0, Deflated = 8, EncryptedFlag = 1;

    private const uint HeaderMark = 0x04034b50;

    /// <summary>What deflate can shrink at most; an entry that declares more is a lie.</summary>
    private const int MaxRatio = 1032;

    private readonly SafeFileHandle _file;
    private readonly long _length;
    private readonly ImageListing _listing;
    private readonly ZipEntries _entries;

    private ZipSource(string path, SafeFileHandle file, ImageListing listing, ZipEntries entries, IReadOnlyList<string> notices)
    {
        Path = path;
        _file = file;
        _length = RandomAccess.GetLength(file);
        _listing = listing;
        _entries = entries;
        Notices = notices;
    }

    public string Path { get; }

    public int Count => _listing.Names.Count;

    public IReadOnlyList<string> Classes => _listing.Classes;

    public IReadOnlyList<string> Notices { get; }

    public static ZipSource Open(string path, string? split)
    {
        SafeFileHandle file = File.OpenHandle(path, options: FileOptions.RandomAccess);
        try
        {
            ZipEntries entries = ZipDirectory.Read(file);
            (ImageListing listing, int[] places) = ImageTree.Read(path, entries.Names, split, entries.Unclean);
            return new ZipSource(
                path, file, listing, entries.Select(listing.Names, places), ImageNames.NoticesOfUnclean(path, entries.Unclean));
        }
        catch (Exception error)
        {
            file.Dispose();
            if (error is InvalidDataException)
            {
                throw new ImageSourceException(path, $"no zip archive or a damaged one: {error.Message}; fetch or make it again", error);
            }

            throw;
        }
    }

    public string NameOf(int index) => _listing.Names[index];

    public int LabelOf(int index) => _listing.LabelOf(index);

    public string? FileOf(int index) => Path;

    public PixelImage Load(int index, DecodeOptions options)
    {
        ZipEntry entry = _entries[index];
        long start = FindData(entry);
        byte[] packed = ArrayPool<byte>.Shared.Rent(entry.CompressedSize);
        byte[] bytes = ArrayPool<byte>.Shared.Rent(entry.Size);
        try
        {
            Span<byte> encoded = bytes.AsSpan(0, entry.Size);
            if (entry.Method == Stored)
            {
                ReadExactly(entry, encoded, start);
            }
            else
            {
                ReadExactly(entry, packed.AsSpan(0, entry.CompressedSize), start);
                Inflate(entry, packed, encoded);
            }

            return ImageDecoder.Decode(encoded, entry.Name, options);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(packed);
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    public void Dispose() => _file.Dispose();

    /// <summary>Where an entry's data begin, having made sure that its declared sizes are possible.</summary>
    private long FindData(ZipEntry entry)
    {
        if ((entry.Flags & EncryptedFlag) != 0)
        {
            throw new ImageFormatException(entry.Name, "it is encrypted in the archive");
        }

        if (entry.Method is not (Stored or Deflated))
        {
            throw new ImageFormatException(entry.Name, $"the archive packs it by method {entry.Method}; only 0 and 8 can be read");
        }

        bool sized = Math.Min(entry.CompressedSize, entry.Size) >= 0
            && entry.Size <= (long)entry.CompressedSize * (entry.Method == Stored ? 1 : MaxRatio);
        if (!sized || entry.HeaderOffset < 0 || entry.HeaderOffset > _length - HeaderLength - entry.CompressedSize)
        {
            throw new ImageFormatException(entry.Name, "the archive declares an impossible size or place for it");
        }

        Span<byte> header = stackalloc byte[HeaderLength];
        ReadExactly(entry, header, entry.HeaderOffset);
        return ZipDirectory.U32(header) == HeaderMark
            ? entry.HeaderOffset + HeaderLength + ZipDirectory.U16(header[26..]) + ZipDirectory.U16(header[28..])
            : throw new ImageFormatException(entry.Name, "its header in the archive is damaged");
    }

    private void ReadExactly(ZipEntry entry, Span<byte> bytes, long offset)
    {
        if (ArchivedBytes.Fill(_file, bytes, offset) < bytes.Length)
        {
            throw new ImageFormatException(entry.Name, "the archive ends within it");
        }
    }

    private static void Inflate(ZipEntry entry, byte[] packed, Span<byte> encoded)
    {
        try
        {
            using DeflateStream inflater = new(new MemoryStream(packed, 0, entry.CompressedSize), CompressionMode.Decompress);
            inflater.ReadExactly(encoded);
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException)
        {
            throw new ImageFormatException(entry.Name, "its compressed data in the archive are damaged", error);
        }
    }
}
