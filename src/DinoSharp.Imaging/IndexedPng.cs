using System.Buffers.Binary;
using System.IO.Compression;

namespace DinoSharp.Imaging;

/// <summary>
/// Segmentations as PNG files: reads those with a palette of 1, 2, 4 or 8 bits, and grey ones, whose levels are taken as the indices;
/// writes 8 bits with a palette. Decoders of pictures give the colours and lose the indices.
/// </summary>
public static class IndexedPng
{
    private const byte Grey = 0;
    private const byte Indexed = 3;

    /// <summary>What deflate can make of a byte at most.</summary>
    private const int MostExpansion = 1032;

    /// <summary>Reads a file.</summary>
    /// <exception cref="ImageFormatException">The file is no PNG of indices, damaged, truncated, or larger than allowed.</exception>
    /// <exception cref="IOException">The file cannot be opened or read.</exception>
    public static IndexedImage Load(string path)
    {
        using PooledBytes encoded = ImageDecoder.ReadFile(path);
        return Decode(encoded.Span, path);
    }

    /// <summary>Decodes a file's bytes.</summary>
    /// <param name="encoded">the whole file</param>
    /// <param name="name">what errors call the image</param>
    /// <exception cref="ImageFormatException">The bytes are no PNG of indices, damaged, truncated, or it is larger than allowed.</exception>
    public static IndexedImage Decode(ReadOnlySpan<byte> encoded, string name)
    {
        if (!encoded.StartsWith(PngChunks.Signature))
        {
            throw new ImageFormatException(name, "is no PNG file; save the mask as a PNG with a palette");
        }

        ReadOnlySpan<byte> rest = encoded[PngChunks.Signature.Length..];
        if (!PngChunks.Read(ref rest, name, out ReadOnlySpan<byte> header).SequenceEqual("IHDR"u8) || header.Length != 13)
        {
            throw new ImageFormatException(name, "does not begin with a PNG header: it is damaged");
        }

        uint width = BinaryPrimitives.ReadUInt32BigEndian(header), height = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
        (byte depth, byte kind) = (header[8], header[9]);
        CheckKind(header, name);
        ImageDecoder.CheckSize(width, height, name, new DecodeOptions());
        PixelColor[]? palette = null;
        using MemoryStream data = new();
        for (bool ended = false; !ended;)
        {
            ReadOnlySpan<byte> chunk = PngChunks.Read(ref rest, name, out ReadOnlySpan<byte> content);
            if (chunk.SequenceEqual("PLTE"u8))
            {
                palette = Colors(content, name);
            }
            else if (chunk.SequenceEqual("IDAT"u8))
            {
                data.Write(content);
            }

            ended = chunk.SequenceEqual("IEND"u8);
        }

        if (kind == Indexed && palette is null)
        {
            throw new ImageFormatException(name, "has no palette: it is damaged");
        }

        long stride = (width * depth + 7L) / 8;
        if ((stride + 1) * height > data.Length * MostExpansion)
        {
            throw new ImageFormatException(name, "the file is truncated");
        }

        data.Position = 0;
        byte[] indices = Inflate(data, (int)width, (int)height, depth, (int)stride, name);
        return new IndexedImage((int)width, (int)height, indices, kind == Indexed ? palette : Greys(depth));
    }

    /// <summary>Encodes into a file, replacing one that is there.</summary>
    public static void Save(IndexedImage image, string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        File.WriteAllBytes(path, Encode(image));
    }

    /// <summary>The bytes of a PNG file of 8 bits a pixel.</summary>
    public static byte[] Encode(IndexedImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        byte[] rows = new byte[checked((image.Width + 1) * image.Height)]; // each behind a 0 for no filter: indices have no slopes
        for (int y = 0; y < image.Height; y++)
        {
            image.Indices.AsSpan(y * image.Width, image.Width).CopyTo(rows.AsSpan(y * (image.Width + 1) + 1));
        }

        byte[] palette = new byte[3 * image.Palette.Length];
        for (int i = 0; i < image.Palette.Length; i++)
        {
            PixelColor color = image.Palette[i];
            (palette[3 * i], palette[3 * i + 1], palette[3 * i + 2]) = (color.Red, color.Green, color.Blue);
        }

        using MemoryStream file = new();
        file.Write(PngChunks.Signature);
        PngChunks.WriteHeader(file, image.Width, image.Height, depth: 8, Indexed);
        PngChunks.Write(file, "PLTE"u8, palette);
        PngChunks.Write(file, "IDAT"u8, PngChunks.Compress(rows));
        PngChunks.Write(file, "IEND"u8);
        return file.ToArray();
    }

    private static void CheckKind(ReadOnlySpan<byte> header, string name)
    {
        (byte depth, byte kind) = (header[8], header[9]);
        if (kind is not (Grey or Indexed) || depth is not (1 or 2 or 4 or 8))
        {
            string what = kind is Grey or Indexed ? $"has {depth} bits a pixel" : "holds colours";
            throw new ImageFormatException(name, $"{what}, not the numbers of objects; save the mask as a PNG with a palette of at most 256");
        }

        if ((header[10], header[11]) != (0, 0) || header[12] > 1)
        {
            throw new ImageFormatException(name, "its PNG header is damaged");
        }

        if (header[12] == 1)
        {
            throw new ImageFormatException(name, "is interlaced, which masks are not read as; save it again without");
        }
    }

    private static PixelColor[] Colors(ReadOnlySpan<byte> content, string name)
    {
        if (content.Length % 3 != 0 || content.Length is 0 or > 3 * IndexedImage.MostColors)
        {
            throw new ImageFormatException(name, "its palette is damaged");
        }

        PixelColor[] colors = new PixelColor[content.Length / 3];
        for (int i = 0; i < colors.Length; i++)
        {
            colors[i] = new PixelColor(content[3 * i], content[3 * i + 1], content[3 * i + 2]);
        }

        return colors;
    }

    private static PixelColor[] Greys(int depth)
    {
        int most = (1 << depth) - 1;
        return [.. Enumerable.Range(0, most + 1).Select(level => (byte)(level * 255 / most)).Select(grey => new PixelColor(grey, grey, grey))];
    }

    private static byte[] Inflate(Stream data, int width, int height, int depth, int stride, string name)
    {
        byte[] indices = new byte[width * height];
        byte[] row = new byte[stride + 1], above = new byte[stride + 1];
        try
        {
            using ZLibStream zlib = new(data, CompressionMode.Decompress);
            for (int y = 0; y < height; y++, (row, above) = (above, row))
            {
                zlib.ReadExactly(row);
                Unfilter(row, above, name);
                Unpack(row.AsSpan(1), depth, indices.AsSpan(y * width, width));
            }
        }
        catch (EndOfStreamException error)
        {
            throw new ImageFormatException(name, "the file is truncated", error);
        }
        catch (InvalidDataException error)
        {
            throw new ImageFormatException(name, "its compressed data are damaged", error);
        }

        return indices;
    }

    /// <summary>Adds to each byte what its row's filter foretells of it (RFC 2083, section 6). A pixel is at most one byte.</summary>
    private static void Unfilter(Span<byte> row, ReadOnlySpan<byte> above, string name)
    {
        byte filter = row[0];
        row[0] = 0; // stands for the pixel left of the first one, as does the same place above
        for (int i = 1; i < row.Length; i++)
        {
            (int left, int up, int corner) = (row[i - 1], above[i], above[i - 1]);
            row[i] += filter switch
            {
                0 => 0,
                1 => (byte)left,
                2 => (byte)up,
                3 => (byte)((left + up) / 2),
                4 => (byte)Paeth(left, up, corner),
                _ => throw new ImageFormatException(name, $"has a row with the unknown filter {filter}: it is damaged"),
            };
        }
    }

    /// <summary>Of three neighbours the one nearest to left + up - corner.</summary>
    private static int Paeth(int left, int up, int corner)
    {
        int toLeft = Math.Abs(up - corner), toUp = Math.Abs(left - corner), toCorner = Math.Abs(left + up - 2 * corner);
        return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
    }

    /// <summary>Indices of a byte that holds several begin at its highest bits.</summary>
    private static void Unpack(ReadOnlySpan<byte> packed, int depth, Span<byte> indices)
    {
        if (depth == 8)
        {
            packed.CopyTo(indices);
            return;
        }

        int inByte = 8 / depth, mask = (1 << depth) - 1;
        for (int x = 0; x < indices.Length; x++)
        {
            indices[x] = (byte)((packed[x / inByte] >> (8 - depth - x % inByte * depth)) & mask);
        }
    }
}
