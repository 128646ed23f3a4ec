using System.Buffers.Binary;
using System.Text;

namespace DinoSharp.Imaging.Tests;

/// <summary>Makes array files as numpy.save writes them.</summary>
internal static class Npy
{
    public static byte[] File(string type, string shape, byte[] data, bool fortranOrder = false, byte version = 1) =>
        WithHeader($"{{'descr': '{type}', 'fortran_order': {(fortranOrder ? "True" : "False")}, 'shape': ({shape}), }}", data, version);

    public static byte[] WithHeader(string dictionary, byte[] data, byte version = 1)
    {
        int prefix = version == 1 ? 10 : 12;
        string text = dictionary.PadRight((prefix + dictionary.Length) / 64 * 64 + 63 - prefix) + "\n";
        byte[] length = new byte[prefix - 8];
        if (version == 1)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(length, (ushort)text.Length);
        }
        else
        {
            BinaryPrimitives.WriteInt32LittleEndian(length, text.Length);
        }

        return [0x93, .. "NUMPY"u8, version, 0, .. length, .. Encoding.UTF8.GetBytes(text), .. data];
    }
}
