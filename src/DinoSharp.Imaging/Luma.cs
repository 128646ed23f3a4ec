namespace DinoSharp.Imaging;

/// <summary>Luma of ITU-R 601-2 in Pillow's 16-bit fixed point.</summary>
internal static class Luma
{
    public static int Of(int red, int green, int blue) => (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16;
}
