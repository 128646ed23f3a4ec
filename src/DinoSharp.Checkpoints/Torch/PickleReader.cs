using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Unicode;

namespace DinoSharp.Checkpoints;

/// <summary>
/// Reads pickles of protocols 0 to 5 (Python's pickletools describes each opcode) as data: dict to OrderedDictionary, list to List,
/// tuple to array, int to long or BigInteger, float to double. What stands for anything else is decided by <see cref="PickleGlobals"/>.
/// Memory is bounded by the length of the pickle: every length is checked against what is left of it.
/// </summary>
/// <param name="bytes">one pickle after another</param>
/// <param name="globals">the names a pickle may hold</param>
/// <param name="storages">the memory for a persistent id ("storage", class, key, location, count)</param>
internal sealed class PickleReader(ReadOnlyMemory<byte> bytes, PickleGlobals globals, Func<object?[], TorchStorage> storages)
{
    private readonly Stack<object?> _stack = new();
    private readonly Dictionary<long, object?> _memo = [];
    private int _position;

    /// <summary>Bytes read so far.</summary>
    public int Position => _position;

    /// <summary>The object of the next pickle.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or holds more than data.</exception>
    public object? Read()
    {
        _stack.Clear();
        _memo.Clear();
        while (true)
        {
            byte opcode = Take(1)[0];
            if (opcode == (byte)'.')
            {
                return Pop();
            }

            Execute(opcode);
        }
    }

    private void Execute(byte opcode)
    {
        switch (opcode)
        {
            case 0x80: // PROTO
                Take(1);
                break;
            case 0x95: // FRAME
                Take(8);
                break;
            case (byte)'(':
                _stack.Push(Mark.Instance);
                break;
            case (byte)'0':
                Pop();
                break;
            case (byte)'1':
                PopToMark();
                break;
            case (byte)'2':
                _stack.Push(Peek());
                break;
            case (byte)'N':
                _stack.Push(null);
                break;
            case 0x88:
                _stack.Push(true);
                break;
            case 0x89:
                _stack.Push(false);
                break;
            case (byte)'I': // of protocol 0, a line each, as the next ones
                _stack.Push(Line() switch { "01" => true, "00" => false, var digits => Number(digits) });
                break;
            case (byte)'L':
                _stack.Push(Number(Line().TrimEnd('L')));
                break;
            case (byte)'F':
                string real = Line();
                _stack.Push(double.TryParse(real, NumberStyles.Float, CultureInfo.InvariantCulture, out double parsed)
                    ? parsed
                    : throw new InvalidDataException("its pickle has no number where one is needed"));
                break;
            case (byte)'S' or (byte)'V': // STRING, UNICODE
                _stack.Push(PickledLine.Text(Line(Encoding.Latin1), quoted: opcode == (byte)'S'));
                break;
            case (byte)'p':
                _memo[Number(Line())] = Peek();
                break;
            case (byte)'g':
                _stack.Push(Remembered(Number(Line())));
                break;
            case (byte)'J':
                _stack.Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4)));
                break;
            case (byte)'K':
                _stack.Push((long)Take(1)[0]);
                break;
            case (byte)'M':
                _stack.Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2)));
                break;
            case 0x8a: // LONG1
                PushInteger(Take(Take(1)[0]));
                break;
            case 0x8b: // LONG4
                PushInteger(Take(Length32()));
                break;
            case (byte)'G':
                _stack.Push(BinaryPrimitives.ReadDoubleBigEndian(Take(8)));
                break;
            case (byte)'U': // SHORT_BINSTRING
                _stack.Push(TextOrBytes(Take(Take(1)[0])));
                break;
            case (byte)'T': // BINSTRING
                _stack.Push(TextOrBytes(Take(Length32())));
                break;
            case 0x8c: // SHORT_BINUNICODE
                _stack.Push(Text(Take(Take(1)[0])));
                break;
            case (byte)'X': // BINUNICODE
                _stack.Push(Text(Take(Length32())));
                break;
            case 0x8d: // BINUNICODE8
                _stack.Push(Text(Take(Length64())));
                break;
            case (byte)'C': // SHORT_BINBYTES
                _stack.Push(Take(Take(1)[0]).ToArray());
                break;
            case (byte)'B': // BINBYTES
                _stack.Push(Take(Length32()).ToArray());
                break;
            case 0x8e or 0x96: // BINBYTES8, BYTEARRAY8
                _stack.Push(Take(Length64()).ToArray());
                break;
            case (byte)']':
                _stack.Push(new List<object?>());
                break;
            case (byte)'l':
                _stack.Push(new List<object?>(PopToMark()));
                break;
            case (byte)'a':
                object? element = Pop();
                Peek<List<object?>>().Add(element);
                break;
            case (byte)'e':
                object?[] elements = PopToMark();
                Peek<List<object?>>().AddRange(elements);
                break;
            case (byte)')':
                _stack.Push(Array.Empty<object?>());
                break;
            case (byte)'t':
                _stack.Push(PopToMark());
                break;
            case 0x85 or 0x86 or 0x87: // TUPLE1, TUPLE2, TUPLE3
                object?[] tuple = new object?[opcode - 0x84];
                for (int i = tuple.Length - 1; i >= 0; i--)
                {
                    tuple[i] = Pop();
                }

                _stack.Push(tuple);
                break;
            case (byte)'}':
                _stack.Push(new OrderedDictionary<object, object?>());
                break;
            case (byte)'d':
                object?[] pairs = PopToMark();
                _stack.Push(new OrderedDictionary<object, object?>());
                SetItems(pairs);
                break;
            case (byte)'s':
                object? value = Pop();
                SetItems([Pop(), value]);
                break;
            case (byte)'u':
                SetItems(PopToMark());
                break;
            case (byte)'q':
                _memo[Take(1)[0]] = Peek();
                break;
            case (byte)'r':
                _memo[BinaryPrimitives.ReadUInt32LittleEndian(Take(4))] = Peek();
                break;
            case 0x94: // MEMOIZE
                _memo[_memo.Count] = Peek();
                break;
            case (byte)'h':
                _stack.Push(Remembered(Take(1)[0]));
                break;
            case (byte)'j':
                _stack.Push(Remembered(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))));
                break;
            case (byte)'c':
                string module = Line();
                _stack.Push(globals.Find(module, Line()));
                break;
            case 0x93: // STACK_GLOBAL
                string name = Pop<string>();
                _stack.Push(globals.Find(Pop<string>(), name));
                break;
            case (byte)'R' or 0x81: // REDUCE, NEWOBJ
                object?[] arguments = Pop<object?[]>();
                _stack.Push(globals.Call(Pop<PickleGlobal>(), arguments));
                break;
            case (byte)'b':
                object? state = Pop();
                _stack.Push(globals.SetState(Pop(), state));
                break;
            case (byte)'Q':
                _stack.Push(storages(Pop<object?[]>()));
                break;
            default:
                throw new InvalidDataException(
                    $"byte 0x{opcode:x2} at {_position - 1} of its pickle is no instruction that data needs");
        }
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count < 0 || count > bytes.Length - _position)
        {
            throw new InvalidDataException("its pickle ends too early");
        }

        _position += count;
        return bytes.Span.Slice(_position - count, count);
    }

    private int Length32() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

    private int Length64()
    {
        long length = BinaryPrimitives.ReadInt64LittleEndian(Take(8));
        return length is >= 0 and <= int.MaxValue ? (int)length : -1;
    }

    private string Line() => Line(Encoding.UTF8);

    private string Line(Encoding encoding)
    {
        int length = bytes.Span[_position..].IndexOf((byte)'\n');
        string line = encoding.GetString(Take(length));
        Take(1);
        return line;
    }

    private static long Number(string digits) => long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
        ? number
        : throw new InvalidDataException("its pickle has no whole number where one is needed");

    private static string Text(ReadOnlySpan<byte> utf8) => Encoding.UTF8.GetString(utf8);

    /// <summary>Python 2's str, which is either: what is no UTF-8 comes as a letter a byte, as from Python 3's encoding="latin1".</summary>
    private static string TextOrBytes(ReadOnlySpan<byte> text) => (Utf8.IsValid(text) ? Encoding.UTF8 : Encoding.Latin1).GetString(text);

    /// <summary>Little-endian two's complement of any length.</summary>
    private void PushInteger(ReadOnlySpan<byte> littleEndian)
    {
        var number = new BigInteger(littleEndian);
        bool fits = number >= long.MinValue && number <= long.MaxValue;
        _stack.Push(fits ? (object)(long)number : number);
    }

    private object? Remembered(long index) =>
        _memo.TryGetValue(index, out object? value) ? value : throw new InvalidDataException("its pickle refers to what is not there");

    private object? Peek() => _stack.TryPeek(out object? top)
        ? top
        : throw new InvalidDataException("its pickle takes from an empty stack");

    private T Peek<T>() => Peek() is T top
        ? top
        : throw new InvalidDataException($"its pickle has no {typeof(T).Name} where one is needed");

    private object? Pop()
    {
        object? top = Peek();
        _stack.Pop();
        return top is Mark ? throw new InvalidDataException("its pickle has a mark where an object is needed") : top;
    }

    private T Pop<T>() => Pop() is T top ? top : throw new InvalidDataException($"its pickle has no {typeof(T).Name} where one is needed");

    private object?[] PopToMark()
    {
        var above = new List<object?>();
        while (Peek() is not Mark)
        {
            above.Add(_stack.Pop());
        }

        _stack.Pop();
        above.Reverse();
        return [.. above];
    }

    private void SetItems(object?[] keysAndValues)
    {
        var dictionary = Peek<OrderedDictionary<object, object?>>();
        if (keysAndValues.Length % 2 != 0)
        {
            throw new InvalidDataException("a dictionary of its pickle has a key without a value");
        }

        for (int i = 0; i < keysAndValues.Length; i += 2)
        {
            object key = keysAndValues[i] ?? throw new InvalidDataException("a dictionary of its pickle has None as a key");
            dictionary[key] = keysAndValues[i + 1];
        }
    }

    /// <summary>The mark below a run of elements.</summary>
    private sealed class Mark
    {
        public static readonly Mark Instance = new();
    }
}
