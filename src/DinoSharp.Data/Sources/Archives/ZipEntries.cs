namespace DinoSharp.Data;

/// <summary>What a zip archive's central directory says of a file. Sizes are as declared; -1 for one that no array can hold.</summary>
internal readonly record struct ZipEntry(string Name, ushort Flags, ushort Method, int CompressedSize, int Size, long HeaderOffset);

/// <summary>The entries of a zip archive, field by field, so that an entry takes no more memory than its numbers and its name.</summary>
internal sealed class ZipEntries
{
    private readonly List<Numbers> _numbers;

    public ZipEntries()
        : this(new NameTable(), [])
    {
    }

    private ZipEntries(NameTable names, List<Numbers> numbers) => (Names, _numbers) = (names, numbers);

    public NameTable Names { get; }

    /// <summary>Images whose names are no clean paths below the archive, and are passed over.</summary>
    public int Unclean { get; set; }

    public ZipEntry this[int index]
    {
        get
        {
            Numbers numbers = _numbers[index];
            return new ZipEntry(
                Names[index], numbers.Flags, numbers.Method, numbers.CompressedSize, numbers.Size, numbers.HeaderOffset);
        }
    }

    public void Add(ReadOnlySpan<byte> name, ushort flags, ushort method, long compressedSize, long size, long headerOffset)
    {
        Names.Add(name);
        _numbers.Add(new Numbers(headerOffset, ArchivedBytes.Fitting(compressedSize), ArchivedBytes.Fitting(size), flags, method));
    }

    /// <summary>Some of the entries, whose names are already chosen.</summary>
    public ZipEntries Select(NameTable names, ReadOnlySpan<int> places)
    {
        List<Numbers> numbers = new(places.Length);
        foreach (int place in places)
        {
            numbers.Add(_numbers[place]);
        }

        return new ZipEntries(names, numbers);
    }

    private readonly record struct Numbers(long HeaderOffset, int CompressedSize, int Size, ushort Flags, ushort Method);
}
