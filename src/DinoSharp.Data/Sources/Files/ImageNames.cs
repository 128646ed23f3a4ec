using System.Text;

namespace DinoSharp.Data;

/// <summary>Which files are images, by their names alone.</summary>
internal static class ImageNames
{
    private static readonly string[] Extensions = [".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".npy"];

    /// <summary>All of the extensions, for a person to read.</summary>
    public static string Known => string.Join(' ', Extensions);

    public static bool HasImageExtension(ReadOnlySpan<byte> name)
    {
        int dot = name.LastIndexOf((byte)'.');
        if (dot < 0)
        {
            return false;
        }

        foreach (string extension in Extensions)
        {
            if (Ascii.EqualsIgnoreCase(name[dot..], extension))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Hidden files are no images, nor are the shadows that macOS adds to archives.</summary>
    /// <param name="name">A path with <c>/</c> between folders, in UTF-8.</param>
    public static bool IsImage(ReadOnlySpan<byte> name) =>
        HasImageExtension(name) && name[0] != '.' && name.IndexOf("/."u8) < 0 && !name.StartsWith("__MACOSX/"u8);
}
