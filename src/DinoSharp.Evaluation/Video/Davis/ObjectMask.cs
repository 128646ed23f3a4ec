using System.Numerics;

namespace DinoSharp.Evaluation.Video.Davis;

/// <summary>Which pixels of an image belong to one object, a bit a pixel: sets of pixels are joined and counted 64 at a time.</summary>
public sealed class ObjectMask
{
    private const int WordBits = 64;

    private readonly int _words; // a row
    private readonly ulong[] _bits; // [height, words], the first pixel the lowest bit; bits behind the last pixel are 0

    private ObjectMask(int width, int height)
    {
        (Width, Height) = (width, height);
        _words = (width + WordBits - 1) / WordBits;
        _bits = new ulong[_words * height];
    }

    public int Width { get; }

    public int Height { get; }

    /// <summary>How many pixels belong to the object.</summary>
    public int Count => CountOf(word => _bits[word]);

    private ulong LastWordMask => Width % WordBits == 0 ? ulong.MaxValue : (1UL << (Width % WordBits)) - 1;

    /// <summary>The pixels that have a number.</summary>
    /// <param name="indices">row-major // [height, width]</param>
    public static ObjectMask Of(ReadOnlySpan<byte> indices, int width, int height, byte number)
    {
        var mask = new ObjectMask(width, height);
        for (int y = 0, at = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++, at++)
            {
                if (indices[at] == number)
                {
                    mask._bits[y * mask._words + x / WordBits] |= 1UL << (x % WordBits);
                }
            }
        }

        return mask;
    }

    /// <summary>Whether a pixel belongs to the object.</summary>
    public bool this[int x, int y] => (_bits[y * _words + x / WordBits] >> (x % WordBits) & 1) != 0;

    /// <summary>How many pixels belong to both.</summary>
    public int CountAnd(ObjectMask other) => CountOf(word => _bits[word] & other._bits[word]);

    /// <summary>How many pixels belong to one of them or both.</summary>
    public int CountOr(ObjectMask other) => CountOf(word => _bits[word] | other._bits[word]);

    /// <summary>Without the pixels of another.</summary>
    public ObjectMask Without(ObjectMask other)
    {
        var rest = new ObjectMask(Width, Height);
        for (int i = 0; i < _bits.Length; i++)
        {
            rest._bits[i] = _bits[i] & ~other._bits[i];
        }

        return rest;
    }

    /// <summary>
    /// The pixels that differ from the next one in their row, in their column or on the diagonal: a line one pixel wide, half a pixel nearer to
    /// the origin than the object's border. The last row and column are compared along themselves.
    /// </summary>
    public ObjectMask Boundary()
    {
        var boundary = new ObjectMask(Width, Height);
        for (int y = 0; y < Height; y++)
        {
            bool last = y == Height - 1;
            for (int w = 0; w < _words; w++)
            {
                ulong here = _bits[y * _words + w], east = Shifted(y, w);
                boundary._bits[y * _words + w] = last
                    ? here ^ east
                    : (here ^ east) | (here ^ _bits[(y + 1) * _words + w]) | (here ^ Shifted(y + 1, w));
            }

            // Nothing is east of the last column; the corner is no boundary.
            int lastWord = y * _words + _words - 1;
            ulong lastBit = 1UL << ((Width - 1) % WordBits);
            ulong south = last ? 0 : (_bits[lastWord] ^ _bits[lastWord + _words]) & lastBit;
            boundary._bits[lastWord] = (boundary._bits[lastWord] & LastWordMask & ~lastBit) | south;
        }

        return boundary;
    }

    /// <summary>All pixels within a distance of the object's: dilation by a disk, x² + y² ≤ radius².</summary>
    public ObjectMask Dilated(int radius)
    {
        var result = new ObjectMask(Width, Height);
        ulong[] wide = new ulong[_words]; // a row, grown to both sides by the disk's half width
        for (int y = 0; y < Height; y++)
        {
            _bits.AsSpan(y * _words, _words).CopyTo(wide);
            if (wide.AsSpan().IndexOfAnyExcept(0UL) < 0)
            {
                continue;
            }

            int grown = 0;
            for (int distance = radius; distance >= 0; distance--)
            {
                for (int half = (int)Math.Sqrt(radius * radius - distance * distance); grown < half; grown++)
                {
                    Grow(wide);
                }

                Join(wide, result, y - distance);
                Join(wide, result, y + distance);
            }
        }

        return result;
    }

    /// <summary>A word of a row as it is when all pixels are one further to the left.</summary>
    private ulong Shifted(int y, int w)
    {
        int at = y * _words + w;
        return (_bits[at] >> 1) | (w + 1 < _words ? _bits[at + 1] << (WordBits - 1) : 0);
    }

    private void Grow(Span<ulong> row)
    {
        ulong before = 0;
        for (int w = 0; w < row.Length; w++)
        {
            ulong here = row[w], next = w + 1 < row.Length ? row[w + 1] : 0;
            row[w] = here | (here << 1) | (before >> (WordBits - 1)) | (here >> 1) | (next << (WordBits - 1));
            before = here;
        }

        row[^1] &= LastWordMask;
    }

    private void Join(ReadOnlySpan<ulong> row, ObjectMask result, int y)
    {
        if (y >= 0 && y < Height)
        {
            var to = result._bits.AsSpan(y * _words, _words);
            for (int w = 0; w < to.Length; w++)
            {
                to[w] |= row[w];
            }
        }
    }

    private int CountOf(Func<int, ulong> word)
    {
        int count = 0;
        for (int i = 0; i < _bits.Length; i++)
        {
            count += BitOperations.PopCount(word(i));
        }

        return count;
    }
}
