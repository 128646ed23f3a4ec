using System.Collections;
using System.Text;

namespace DinoSharp.Data;

/// <summary>
/// Names as UTF-8 in one block, which for a million images takes a third of what as many strings would; a string is made when one is
/// asked for.
/// </summary>
internal sealed class NameTable : IReadOnlyList<string>
{
    private byte[] _utf8;
    private int[] _ends;

    public NameTable()
        : this([], [])
    {
    }

    private NameTable(byte[] utf8, int[] ends)
    {
        (_utf8, _ends) = (utf8, ends);
        Count = ends.Length;
    }

    public int Count { get; private set; }

    public string this[int index] => Encoding.UTF8.GetString(Utf8(index));

    /// <summary>A name's bytes, valid until the next one is added.</summary>
    public ReadOnlySpan<byte> Utf8(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        return _utf8.AsSpan(StartOf(index).._ends[index]);
    }

    /// <exception cref="IOException">All names together exceed what one array can hold.</exception>
    public void Add(ReadOnlySpan<byte> utf8)
    {
        int start = StartOf(Count);
        if (utf8.Length > Array.MaxLength - start)
        {
            throw new IOException("the names of its images take more than 2 GB; divide it");
        }

        Grow(ref _utf8, start, utf8.Length);
        Grow(ref _ends, Count, 1);
        utf8.CopyTo(_utf8.AsSpan(start));
        _ends[Count++] = start + utf8.Length;
    }

    public void Add(string name) => Add(Encoding.UTF8.GetBytes(name));

    /// <summary>The names' indices in the order of their bytes, that of their code points; equal names as they were added.</summary>
    public int[] Order()
    {
        int[] order = [.. Enumerable.Range(0, Count)];
        bool rises = true;
        for (int i = 1; i < Count && rises; i++)
        {
            rises = Utf8(i - 1).SequenceCompareTo(Utf8(i)) <= 0;
        }

        if (!rises)
        {
            order.AsSpan().Sort((a, b) => Utf8(a).SequenceCompareTo(Utf8(b)) is not 0 and int difference ? difference : a.CompareTo(b));
        }

        return order;
    }

    /// <summary>A table of some of the names, of no more memory than they need.</summary>
    public NameTable Select(ReadOnlySpan<int> indices)
    {
        long length = 0;
        foreach (int index in indices)
        {
            length += Utf8(index).Length;
        }

        byte[] utf8 = new byte[length];
        int[] ends = new int[indices.Length];
        for (int i = 0, end = 0; i < ends.Length; i++)
        {
            ReadOnlySpan<byte> name = Utf8(indices[i]);
            name.CopyTo(utf8.AsSpan(end));
            ends[i] = end += name.Length;
        }

        return new NameTable(utf8, ends);
    }

    /// <summary>All the names, in no more memory than they need.</summary>
    public NameTable Trimmed() => new(_utf8[..StartOf(Count)], _ends[..Count]);

    public IEnumerator<string> GetEnumerator()
    {
        for (int i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private int StartOf(int index) => index == 0 ? 0 : _ends[index - 1];

    private static void Grow<T>(ref T[] array, int used, int more)
    {
        if (array.Length - used < more)
        {
            long wanted = Math.Max(2L * array.Length, Math.Max(256, (long)used + more));
            Array.Resize(ref array, (int)Math.Min(wanted, Array.MaxLength));
        }
    }
}
