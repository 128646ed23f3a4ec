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

    /// <summary>A file's name in an archive without <c>./</c> before it, and with one slash between folders.</summary>
    /// <param name="name">A path with <c>/</c> between folders.</param>
    /// <returns>Nothing for a name that is absolute, leaves the archive's folder, or would break a line of a message.</returns>
    public static ReadOnlySpan<byte> Clean(ReadOnlySpan<byte> name)
    {
        while (name.StartsWith("./"u8))
        {
            name = name[2..].TrimStart((byte)'/');
        }

        bool leaves = name.StartsWith("../"u8) || name.IndexOf("/../"u8) >= 0;
        if (name.IsEmpty || name[0] == '/' || leaves || name.ContainsAnyInRange((byte)0, (byte)31))
        {
            return [];
        }

        return name.IndexOf("//"u8) < 0 ? name : Encoding.Latin1.GetBytes(
            string.Join('/', Encoding.Latin1.GetString(name).Split('/', StringSplitOptions.RemoveEmptyEntries)));
    }

    /// <summary>What is to be said of files whose names are not clean; nothing if there are none.</summary>
    public static string[] NoticesOfUnclean(string path, int count) => count == 0 ? [] :
        [$"{path}: {count} of its files are left alone, as their names are no clean paths below it"];

    /// <summary>Hidden files are no images, nor are the shadows that macOS adds to archives.</summary>
    /// <param name="name">A path with <c>/</c> between folders, in UTF-8.</param>
    public static bool IsImage(ReadOnlySpan<byte> name) =>
        HasImageExtension(name) && name[0] != '.' && name.IndexOf("/."u8) < 0 && !name.StartsWith("__MACOSX/"u8);
}
