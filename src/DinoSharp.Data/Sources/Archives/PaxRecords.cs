using System.Globalization;

namespace DinoSharp.Data;

/// <summary>What matters here of a tar archive's extended headers (the Open Group's pax, "pax Extended Header").</summary>
internal sealed class PaxRecords
{
    public byte[]? Path { get; set; }

    public long? Size { get; private set; }

    public bool IsSparse { get; private set; }

    /// <summary>Reads records of the form "length key=value\n", whose length counts all of it.</summary>
    public bool Read(ReadOnlySpan<byte> content)
    {
        while (!content.IsEmpty && content[0] != 0)
        {
            int blank = content.IndexOf((byte)' ');
            bool sized = int.TryParse(content[..Math.Max(0, blank)], NumberStyles.None, CultureInfo.InvariantCulture, out int length)
                && length > blank + 1 && length <= content.Length && content[length - 1] == '\n';
            ReadOnlySpan<byte> record = sized ? content[(blank + 1)..(length - 1)] : [];
            int equals = record.IndexOf((byte)'=');
            if (equals < 0 || !Take(record[..equals], record[(equals + 1)..]))
            {
                return false;
            }

            content = content[length..];
        }

        return true;
    }

    /// <summary>An empty value takes back what was said before.</summary>
    private bool Take(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (key.SequenceEqual("path"u8))
        {
            Path = value.IsEmpty ? null : value.ToArray();
        }
        else if (key.SequenceEqual("size"u8))
        {
            bool valid = long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long size);
            Size = valid ? size : null;
            return valid || value.IsEmpty;
        }

        IsSparse |= key.StartsWith("GNU.sparse."u8);
        return true;
    }
}
