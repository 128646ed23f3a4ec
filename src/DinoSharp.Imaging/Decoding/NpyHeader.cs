using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace DinoSharp.Imaging;

/// <summary>
/// The header of NumPy's array file, versions 1 to 3: a Python dictionary of 'descr', 'fortran_order' and 'shape'. It is read as
/// NumPy writes it, and anything else in it is refused; nothing is evaluated.
/// </summary>
internal sealed class NpyHeader
{
    private const int MaxAxes = 8; // far more than an image has, and a bound on what a hostile header can ask for

    private NpyHeader(string elementType, bool fortranOrder, int[] shape, int dataOffset)
    {
        (ElementType, FortranOrder, Shape, DataOffset) = (elementType, fortranOrder, shape, dataOffset);
    }

    /// <summary>NumPy's code, such as "|u1" or ">f4".</summary>
    public string ElementType { get; }

    /// <summary>Whether the first axis, and not the last, is the one whose elements lie side by side.</summary>
    public bool FortranOrder { get; }

    public int[] Shape { get; }

    /// <summary>Where the elements begin, in bytes from the file's start.</summary>
    public int DataOffset { get; }

    /// <summary>The bytes 93 "NUMPY".</summary>
    public static bool Recognises(ReadOnlySpan<byte> file) => file.Length >= 6 && file[0] == 0x93 && file[1..].StartsWith("NUMPY"u8);

    /// <exception cref="ImageFormatException">It is cut short, of an unknown version, or no such dictionary.</exception>
    public static NpyHeader Read(ReadOnlySpan<byte> file, string name)
    {
        const int VersionAt = 6, LengthAt = 8;
        int lengthSize = file.Length > VersionAt && file[VersionAt] == 1 ? 2 : 4;
        int textAt = LengthAt + lengthSize;
        if (file.Length < textAt)
        {
            throw new ImageFormatException(name, "the file is truncated");
        }

        if (file[VersionAt] is < 1 or > 3 || file[VersionAt + 1] != 0)
        {
            throw new ImageFormatException(name, $"version {file[VersionAt]}.{file[VersionAt + 1]} of .npy is not known");
        }

        uint length = lengthSize == 2
            ? BinaryPrimitives.ReadUInt16LittleEndian(file[LengthAt..])
            : BinaryPrimitives.ReadUInt32LittleEndian(file[LengthAt..]);
        if (length > file.Length - textAt)
        {
            throw new ImageFormatException(name, "the file is truncated");
        }

        Parser parser = new(file.Slice(textAt, (int)length), name);
        return parser.Dictionary(textAt + (int)length);
    }

    /// <summary>Reads the dictionary from its text, token by token.</summary>
    private ref struct Parser(ReadOnlySpan<byte> text, string name)
    {
        private ReadOnlySpan<byte> _rest = text;

        public NpyHeader Dictionary(int dataOffset)
        {
            string? elementType = null;
            bool? fortranOrder = null;
            int[]? shape = null;
            Expect((byte)'{');
            while (!Accept((byte)'}'))
            {
                string key = Text();
                Expect((byte)':');
                if (key == "descr" && elementType is null)
                {
                    elementType = Text();
                }
                else if (key == "fortran_order" && fortranOrder is null)
                {
                    fortranOrder = Boolean();
                }
                else if (key == "shape" && shape is null)
                {
                    shape = Shape();
                }
                else
                {
                    throw Damaged();
                }

                if (!Accept((byte)','))
                {
                    Expect((byte)'}');
                    break;
                }
            }

            return elementType is not null && fortranOrder is not null && shape is not null && Next() < 0
                ? new NpyHeader(elementType, fortranOrder.Value, shape, dataOffset)
                : throw Damaged();
        }

        private readonly ImageFormatException Damaged() =>
            new(name, "the header of the .npy file is damaged, or its elements are no plain numbers");

        /// <summary>The next character after white space; -1 at the end.</summary>
        private int Next()
        {
            _rest = _rest.TrimStart(" \n"u8);
            return _rest.IsEmpty ? -1 : _rest[0];
        }

        private bool Accept(byte character)
        {
            bool there = Next() == character;
            _rest = there ? _rest[1..] : _rest;
            return there;
        }

        private void Expect(byte character)
        {
            if (!Accept(character))
            {
                throw Damaged();
            }
        }

        private string Text()
        {
            const int Longest = 16; // of the keys and the codes of plain numbers
            int quote = Next();
            int end = quote is '\'' or '"' ? _rest[1..].IndexOf((byte)quote) : -1;
            if (end is < 0 or > Longest || !Ascii.IsValid(_rest.Slice(1, end)))
            {
                throw Damaged();
            }

            string value = Encoding.ASCII.GetString(_rest.Slice(1, end));
            _rest = _rest[(end + 2)..];
            return value;
        }

        private bool Boolean()
        {
            bool value = Next() == 'T';
            ReadOnlySpan<byte> word = value ? "True"u8 : "False"u8;
            if (!_rest.StartsWith(word))
            {
                throw Damaged();
            }

            _rest = _rest[word.Length..];
            return value;
        }

        private int[] Shape()
        {
            List<int> shape = [];
            Expect((byte)'(');
            while (!Accept((byte)')'))
            {
                shape.Add(Number());
                if (shape.Count > MaxAxes)
                {
                    throw Damaged();
                }

                if (!Accept((byte)','))
                {
                    Expect((byte)')');
                    break;
                }
            }

            return [.. shape];
        }

        private int Number()
        {
            _ = Next();
            int digits = _rest.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
            if (digits < 1 || !int.TryParse(_rest[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out int value))
            {
                throw Damaged();
            }

            _rest = _rest[digits..];
            return value;
        }
    }
}
