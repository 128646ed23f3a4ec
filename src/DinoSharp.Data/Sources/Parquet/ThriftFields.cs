namespace DinoSharp.Data;

/// <summary>
/// Reads structs of Thrift's compact protocol (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md), field
/// by field.
/// </summary>
internal ref struct ThriftFields(ReadOnlySpan<byte> bytes)
{
    private const int Stop = 0, True = 1, False = 2, Byte = 3, I16 = 4, I32 = 5, I64 = 6, Double = 7, Binary = 8;

    private const int List = 9, Set = 10, Struct = 12;

    private const int MaxDepth = 16;

    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private readonly Stack<int> _around = new();
    private int _field;
    private int _type;

    /// <summary>How many bytes are read.</summary>
    public int Position { get; private set; }

    /// <summary>Goes to the next field of the struct.</summary>
    /// <returns>Its number; 0 at the struct's end.</returns>
    public int Next()
    {
        int head = ReadByte();
        _type = head & 15;
        if (_type == Stop)
        {
            return 0;
        }

        _field = head >> 4 == 0 ? (int)ZigZag() : _field + (head >> 4);
        return _field > 0 ? _field : throw Damaged();
    }

    /// <summary>The field's value, an integer of any width.</summary>
    public long Integer() => _type is I16 or I32 or I64 ? ZigZag() : throw Damaged();

    /// <summary>The number at the position, as Thrift writes one without a sign, and others do.</summary>
    public long Unsigned() => (long)Varint();

    /// <summary>Goes into the field, a struct.</summary>
    public void Enter()
    {
        if (_type != Struct || _around.Count == MaxDepth)
        {
            throw Damaged();
        }

        _around.Push(_field);
        _field = 0;
    }

    /// <summary>Goes on behind a struct whose end was read.</summary>
    public void Leave() => _field = _around.Pop();

    /// <summary>Passes over the field's value.</summary>
    public void Skip() => Skip(_type, lists: 0);

    /// <param name="type">The value's type.</param>
    /// <param name="lists">How many lists it is in: in one, a truth takes a byte of its own.</param>
    private void Skip(int type, int lists)
    {
        if (lists > MaxDepth)
        {
            throw Damaged();
        }

        switch (type)
        {
            case True or False:
                Advance(lists > 0 ? 1u : 0u);
                break;
            case Byte:
                Advance(1);
                break;
            case I16 or I32 or I64:
                Varint();
                break;
            case Double:
                Advance(8);
                break;
            case Binary:
                Advance(Varint());
                break;
            case List or Set:
                int head = ReadByte();
                for (ulong left = head >> 4 == 15 ? Varint() : (ulong)(head >> 4); left > 0; left--)
                {
                    Skip(head & 15, lists + 1);
                }

                break;
            case Struct:
                _type = Struct;
                Enter();
                while (Next() != 0)
                {
                    Skip();
                }

                Leave();
                break;
            default:
                throw Damaged(); // a map, say, of which page headers have none
        }
    }

    private long ZigZag()
    {
        ulong value = Varint();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    private ulong Varint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            int next = ReadByte();
            value |= (ulong)(next & 127) << shift;
            if (next < 128)
            {
                return value;
            }
        }

        throw Damaged();
    }

    private int ReadByte()
    {
        Advance(1);
        return _bytes[Position - 1];
    }

    private void Advance(ulong count)
    {
        if (count > (ulong)(_bytes.Length - Position))
        {
            throw Damaged();
        }

        Position += (int)count;
    }

    private static InvalidDataException Damaged() => new("its directory or a page's header is damaged");
}
