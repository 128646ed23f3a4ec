using Microsoft.Win32.SafeHandles;

namespace DinoSharp.Data;

/// <summary>
/// Goes through the files of a tar archive by its headers alone: POSIX's ustar and pax (the Open Group's pax, "ustar Interchange Format"
/// and "pax Extended Header"), GNU's long names and sizes, and the older v7. Links, folders, devices and sparse files are passed over.
/// What an archive says is believed only as far as the file reaches; at the first thing that cannot be true the walk ends.
/// </summary>
internal sealed class TarHeaders
{
    private const int Block = 512;

    /// <summary>The largest extended header read: names and attributes are far smaller, and more would only take memory.</summary>
    private const int MaxExtended = 1 << 20;

    /// <summary>Archives are filled up with zeros to whole records, of 10 KB usually and of 1 MB at most in practice.</summary>
    private const int MaxPadding = 1 << 20;

    private readonly SafeFileHandle _file;
    private readonly long _length;
    private readonly PaxRecords _global = new();
    private byte[] _window = new byte[8 * Block];
    private long _windowStart;
    private int _windowLength;
    private long _position;
    private byte[] _name = [];

    public TarHeaders(SafeFileHandle file)
    {
        _file = file;
        _length = RandomAccess.GetLength(file);
    }

    /// <summary>The file's name, as <see cref="ImageNames.Clean"/> makes it.</summary>
    public ReadOnlySpan<byte> Name => _name;

    /// <summary>Where the file's bytes begin.</summary>
    public long Offset { get; private set; }

    public long Size { get; private set; }

    /// <summary>After the last file: why the archive could not be followed to its end; null if it could.</summary>
    public string? Damage { get; private set; }

    /// <summary>Files whose names are no clean path below the archive, and are passed over.</summary>
    public int Unclean { get; private set; }

    /// <summary>Goes on to the next file.</summary>
    /// <returns>Whether there is one.</returns>
    public bool Next()
    {
        PaxRecords own = new();
        while (Damage is null && Header() is { IsEmpty: false } header)
        {
            byte type = header[156];
            PaxRecords? records = type == 'x' ? own : type == 'g' ? _global : null;
            if (!Place(header, type, records is null ? own.Size ?? _global.Size : null))
            {
                return false;
            }

            if (records is not null || type == 'L')
            {
                ReadExtended(records, own);
            }
            else if (type is not (byte)'K')
            {
                bool file = type is 0 or (byte)'0' or (byte)'7' && !own.IsSparse;
                _name = own.Path ?? _global.Path ?? UstarName(header);
                own = new();
                if (file && !_name.AsSpan().EndsWith("/"u8) && IsClean())
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>A few bytes of the archive; mostly they are in memory already.</summary>
    public ReadOnlySpan<byte> Peek(long offset, int length)
    {
        if (offset < _windowStart || offset + length > _windowStart + _windowLength)
        {
            if (length > _window.Length)
            {
                _window = new byte[length];
            }

            _windowStart = offset;
            _windowLength = ArchivedBytes.Fill(_file, _window, offset);
        }

        int start = (int)(offset - _windowStart);
        return _window.AsSpan(start, Math.Clamp(_windowLength - start, 0, length));
    }

    /// <summary>The header at the position; empty at the archive's end.</summary>
    private ReadOnlySpan<byte> Header()
    {
        ReadOnlySpan<byte> header = Peek(_position, Block);
        if (header.Length < Block)
        {
            Damage = header.IsEmpty ? "has no mark at its end, so it may be cut short there" : $"is cut short, from byte {_position} on";
            return [];
        }

        if (!header.ContainsAnyExcept((byte)0))
        {
            Damage = _length - _position > MaxPadding ? $"ends at byte {_position}, and what lies behind is not read" : null;
            return [];
        }

        if (!SumIsRight(header))
        {
            Damage = $"is damaged, from byte {_position} on";
            return [];
        }

        return header;
    }

    /// <summary>Notes where the bytes behind a header are, and where the next header is.</summary>
    /// <returns>Whether they are within the archive.</returns>
    private bool Place(ReadOnlySpan<byte> header, byte type, long? paxSize)
    {
        // As GNU tar has it, a link to a file has no bytes of its own, whatever its size.
        long size = type == '1' ? 0 : paxSize ?? Number(header.Slice(124, 12));
        Offset = _position + Block;
        if (size < 0 || size > _length - Offset)
        {
            Damage = $"is damaged or cut short, from byte {_position} on";
            return false;
        }

        Size = size;
        _position = Math.Min(_length, Offset + ((size + Block - 1) / Block * Block));
        return true;
    }

    private void ReadExtended(PaxRecords? records, PaxRecords own)
    {
        if (Size > MaxExtended)
        {
            Damage = $"is damaged, from byte {Offset - Block} on";
            return;
        }

        ReadOnlySpan<byte> content = Peek(Offset, (int)Size);
        if (records is null)
        {
            own.Path = Text(content).ToArray();
        }
        else if (!records.Read(content))
        {
            Damage = $"is damaged, from byte {Offset} on";
        }
    }

    /// <summary>The name of the header itself; ustar may have the folders apart, where GNU has other things.</summary>
    private static byte[] UstarName(ReadOnlySpan<byte> header)
    {
        ReadOnlySpan<byte> name = Text(header[..100]);
        ReadOnlySpan<byte> prefix = header.Slice(257, 6).SequenceEqual("ustar\0"u8) ? Text(header.Slice(345, 155)) : [];
        return prefix.IsEmpty ? name.ToArray() : [.. prefix, (byte)'/', .. name];
    }

    /// <summary>Makes the name a clean one, where that can be done.</summary>
    private bool IsClean()
    {
        _name = ImageNames.Clean(_name).ToArray();
        Unclean += _name.Length == 0 ? 1 : 0;
        return _name.Length > 0;
    }

    /// <summary>The sum of the header's bytes, its own field taken for blanks; some old programs added them as signed ones.</summary>
    private static bool SumIsRight(ReadOnlySpan<byte> header)
    {
        long unsigned = 8 * ' ', signed = 8 * ' ';
        for (int i = 0; i < Block; i++)
        {
            bool own = i is >= 148 and < 156;
            unsigned += own ? 0 : header[i];
            signed += own ? 0 : (sbyte)header[i];
        }

        long declared = Number(header.Slice(148, 8));
        return declared == unsigned || declared == signed;
    }

    /// <summary>An octal number, or GNU's big-endian one with the highest bit set; -1 for neither, or for one beyond reason.</summary>
    private static long Number(ReadOnlySpan<byte> field)
    {
        long number = 0;
        if (field[0] >= 0x80)
        {
            number = field[0] == 0x80 ? 0 : -1; // another first byte is negative, or more than any disk
            foreach (byte digit in field[1..])
            {
                number = number is < 0 or > long.MaxValue >> 8 ? -1 : (number << 8) | digit;
            }

            return number;
        }

        foreach (byte digit in field.Trim(" \0"u8))
        {
            number = digit is < (byte)'0' or > (byte)'7' || number < 0 ? -1 : (number * 8) + digit - '0';
        }

        return number;
    }

    private static ReadOnlySpan<byte> Text(ReadOnlySpan<byte> field) => field.IndexOf((byte)0) is >= 0 and int end ? field[..end] : field;
}
