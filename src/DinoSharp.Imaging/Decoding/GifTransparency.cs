namespace DinoSharp.Imaging;

/// <summary>
/// GIF marks one colour of the palette as transparent. Skia gives black in its place, and Pillow, where alpha is dropped, the colour
/// itself; so does Skia once the mark is gone.
/// </summary>
internal static class GifTransparency
{
    private const int HeaderSize = 13;
    private const byte Extension = 0x21, GraphicControl = 0xF9, TransparentFlag = 1;

    /// <summary>
    /// Whether the first frame has a transparent colour; if it has, the place and the value of the byte that would say it has none.
    /// </summary>
    public static bool TryFind(ReadOnlySpan<byte> encoded, out int at, out byte opaque)
    {
        (at, opaque) = (0, 0);
        if (encoded.Length < HeaderSize || !(encoded.StartsWith("GIF87a"u8) || encoded.StartsWith("GIF89a"u8)))
        {
            return false;
        }

        byte screen = encoded[10]; // whether there is a palette, and the logarithm of its size
        int block = HeaderSize + ((screen & 0x80) == 0 ? 0 : 3 << ((screen & 7) + 1));
        while (block + 4 <= encoded.Length && encoded[block] == Extension)
        {
            if (encoded[block + 1] == GraphicControl && (encoded[block + 3] & TransparentFlag) != 0)
            {
                (at, opaque) = (block + 3, (byte)(encoded[block + 3] & ~TransparentFlag));
                return true;
            }

            // Each part begins with its length; an empty one ends the extension.
            for (block += 2; block < encoded.Length && encoded[block] != 0; block += encoded[block] + 1)
            {
            }

            block++;
        }

        return false;
    }
}
