using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using DinoSharp.Checkpoints;

namespace DinoSharp.Evaluation.Features;

/// <summary>Writes a matrix in NumPy's .npy format, version 1.0 (the format is defined in numpy.lib.format).</summary>
internal static class NumpyFile
{
    private const int Alignment = 64;
    private const int ValuesAtOnce = 1 << 20;

    /// <summary>Writes the file whole or not at all.</summary>
    /// <param name="values">row-major // [rows, columns]</param>
    public static void Write(string path, float[] values, int rows, int columns) => AtomicFile.Write(path, stream =>
    {
        stream.Write(Header(rows, columns));
        for (int start = 0; start < values.Length; start += ValuesAtOnce)
        {
            stream.Write(MemoryMarshal.AsBytes(values.AsSpan(start, Math.Min(ValuesAtOnce, values.Length - start))));
        }
    });

    /// <summary>Magic, version, the header's length in 16 bits, and the header padded so that the data start at a multiple of 64.</summary>
    private static byte[] Header(int rows, int columns)
    {
        ReadOnlySpan<byte> magic = [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0];
        string description = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}";
        int before = magic.Length + sizeof(ushort);
        int total = (before + description.Length + 1 + Alignment - 1) / Alignment * Alignment;
        byte[] header = new byte[total];
        magic.CopyTo(header);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(magic.Length), (ushort)(total - before));
        header.AsSpan(before).Fill((byte)' ');
        Encoding.ASCII.GetBytes(description, header.AsSpan(before));
        header[^1] = (byte)'\n';
        return header;
    }
}
