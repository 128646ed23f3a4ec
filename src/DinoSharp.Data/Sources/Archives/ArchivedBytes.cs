using DinoSharp.Imaging;
using Microsoft.Win32.SafeHandles;

namespace DinoSharp.Data;

/// <summary>Reads images that lie within larger files as they are.</summary>
internal static class ArchivedBytes
{
    /// <summary>A size as an array has it; -1 for one that no array can have.</summary>
    public static int Fitting(long size) => size >= 0 && size <= Array.MaxLength ? (int)size : -1;

    /// <summary>Reads as many bytes from a place on as there are, until the span is full.</summary>
    /// <returns>How many were read.</returns>
    public static int Fill(SafeFileHandle file, Span<byte> bytes, long offset)
    {
        int filled = 0;
        while (filled < bytes.Length && RandomAccess.Read(file, bytes[filled..], offset + filled) is > 0 and int read)
        {
            filled += read;
        }

        return filled;
    }

    /// <summary>Reads an image at a place that the file had when it was indexed. Any number of threads may use the handle.</summary>
    /// <param name="file">The file that holds it.</param>
    /// <param name="offset">Where it begins.</param>
    /// <param name="size">Its length; -1 for one too large for an array.</param>
    /// <param name="name">What errors call it.</param>
    /// <exception cref="ImageFormatException">The file ends before the image does.</exception>
    public static EncodedImage Read(SafeFileHandle file, long offset, int size, string name)
    {
        CheckPlace(offset, size, RandomAccess.GetLength(file), name);
        EncodedImage image = new(name, size);
        try
        {
            return Fill(file, image.Bytes, offset) == size ? image : throw CutShort(name);
        }
        catch
        {
            image.Dispose();
            throw;
        }
    }

    /// <summary>The same from a stream, which is sought only to go forwards.</summary>
    public static EncodedImage Read(FileStream file, long offset, int size, string name)
    {
        CheckPlace(offset, size, file.Length, name);
        EncodedImage image = new(name, size);
        try
        {
            file.Position = offset;
            file.ReadExactly(image.Bytes);
            return image;
        }
        catch (Exception error)
        {
            image.Dispose();
            if (error is EndOfStreamException)
            {
                throw CutShort(name);
            }

            throw;
        }
    }

    /// <summary>A size that does not fit into the file takes no memory.</summary>
    private static void CheckPlace(long offset, int size, long length, string name)
    {
        if (size < 0)
        {
            throw new ImageFormatException(name, "it is larger than 2 GB");
        }

        if (offset > length - size)
        {
            throw CutShort(name);
        }
    }

    private static ImageFormatException CutShort(string name) =>
        new(name, "the archive ends before it, though it did not when it was opened");
}
