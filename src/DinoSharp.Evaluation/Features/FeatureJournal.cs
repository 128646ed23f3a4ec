using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;

namespace DinoSharp.Evaluation.Features;

/// <summary>
/// Features in the order they are computed, in a file that is only ever added to: work that is cut off goes on where the file ends. What
/// was half written when it was cut off is taken off the end.
/// </summary>
/// <remarks>
/// The file begins with the line <c>dinosharp-features DIM SETTINGS</c>; each entry is the name's length, the name in UTF-8, the values as
/// little-endian float32, and the CRC-32 of all that.
/// </remarks>
public sealed class FeatureJournal : IDisposable
{
    private const string Magic = "dinosharp-features";
    private const int MostHeader = 1 << 16;
    private const int LongestName = 1 << 16;
    private const int FlushEvery = 16;

    private readonly FileStream _file;
    private readonly List<string> _names = [];
    private readonly List<float[]> _rows = [];

    /// <param name="path">made if it is not there, its folders too</param>
    /// <param name="dim">length D of a feature</param>
    /// <param name="settings">what the features depend on, in one line; a file of others begins anew</param>
    /// <exception cref="IOException">The file cannot be read or written, or another program writes it.</exception>
    public FeatureJournal(string path, int dim, string settings)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dim, 1);
        Path = path;
        Dim = dim;
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!);
        _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 1 << 16);
        byte[] header = Encoding.UTF8.GetBytes($"{Magic} {dim} {settings}\n");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(header.Length, MostHeader, nameof(settings));
        byte[] found = new byte[header.Length];
        int read = _file.ReadAtLeast(found, found.Length, throwOnEndOfStream: false);
        if (read == found.Length && found.AsSpan().SequenceEqual(header))
        {
            _file.SetLength(ReadEntries());
            _file.Position = _file.Length;
            return;
        }

        BeganAnew = _file.Length > 0;
        _file.SetLength(0);
        _file.Write(header);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Length D of a feature.</summary>
    public int Dim { get; }

    /// <summary>Whether the file held features of other settings, which are gone.</summary>
    public bool BeganAnew { get; }

    /// <summary>What the entries are of.</summary>
    public IReadOnlyList<string> Names => _names;

    /// <summary>Adds an entry.</summary>
    /// <param name="name">what it is of</param>
    /// <param name="values">// [D]</param>
    public void Add(string name, float[] values)
    {
        if (values.Length != Dim)
        {
            throw new ArgumentException($"a feature has {Dim} values here, not {values.Length}", nameof(values));
        }

        byte[] text = Encoding.UTF8.GetBytes(name);
        byte[] entry = new byte[sizeof(int) + text.Length + Dim * sizeof(float) + sizeof(uint)];
        BinaryPrimitives.WriteInt32LittleEndian(entry, text.Length);
        text.CopyTo(entry.AsSpan(sizeof(int)));
        MemoryMarshal.AsBytes(values.AsSpan()).CopyTo(entry.AsSpan(sizeof(int) + text.Length));
        BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(entry.Length - sizeof(uint)), Crc32.HashToUInt32(entry.AsSpan(0, entry.Length - sizeof(uint))));
        _file.Write(entry);
        _names.Add(name);
        _rows.Add(values);
        if (_names.Count % FlushEvery == 0)
        {
            _file.Flush();
        }
    }

    /// <summary>All entries as one table.</summary>
    /// <exception cref="EvaluationException">They are more than one table holds.</exception>
    public FeatureTable Table()
    {
        if ((long)_rows.Count * Dim > Array.MaxLength)
        {
            throw new EvaluationException($"{Path}: {_rows.Count} features of {Dim} values are more than one table holds; take fewer images");
        }

        float[] values = new float[_rows.Count * Dim];
        for (int row = 0; row < _rows.Count; row++)
        {
            _rows[row].CopyTo(values, row * Dim);
        }

        return new FeatureTable([.. _names], [], [], values, Dim);
    }

    public void Dispose() => _file.Dispose();

    /// <summary>Reads entries as long as they are whole.</summary>
    /// <returns>where the last of these ends</returns>
    private long ReadEntries()
    {
        long end = _file.Position;
        byte[] start = new byte[sizeof(int)];
        while (_file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(start);
            if (length is < 0 or > LongestName)
            {
                break;
            }

            byte[] entry = new byte[sizeof(int) + length + Dim * sizeof(float) + sizeof(uint)];
            start.CopyTo(entry, 0);
            var rest = entry.AsSpan(sizeof(int));
            var signed = entry.AsSpan(0, entry.Length - sizeof(uint));
            if (_file.ReadAtLeast(rest, rest.Length, throwOnEndOfStream: false) < rest.Length
                || Crc32.HashToUInt32(signed) != BinaryPrimitives.ReadUInt32LittleEndian(entry.AsSpan(signed.Length)))
            {
                break;
            }

            _names.Add(Encoding.UTF8.GetString(rest[..length]));
            _rows.Add(MemoryMarshal.Cast<byte, float>(rest.Slice(length, Dim * sizeof(float))).ToArray());
            end = _file.Position;
        }

        return end;
    }
}
