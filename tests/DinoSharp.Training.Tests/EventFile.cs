using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace DinoSharp.Training.Tests;

/// <summary>Scalars of a TensorBoard event file: TFRecord frames, each an Event of protocol buffers.</summary>
internal static class EventFile
{
    /// <summary>All scalars, in the order written; fails where a checksum is wrong.</summary>
    public static List<(string Tag, long Step, float Value)> Scalars(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        var scalars = new List<(string, long, float)>();
        for (int at = 0; at < file.Length;)
        {
            int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(at));
            AssertChecksum(file.AsSpan(at, 8), file.AsSpan(at + 8));
            var record = file.AsSpan(at + 12, length);
            AssertChecksum(record, file.AsSpan(at + 12 + length));
            at += 16 + length;
            var fields = Fields(record.ToArray());
            if (fields.TryGetValue(5, out var summary)) // Event.summary
            {
                var value = Fields(Fields((byte[])summary)[1] as byte[] ?? []); // Summary.value
                long step = fields.TryGetValue(2, out var number) ? (long)(ulong)number : 0; // Event.step
                scalars.Add((Encoding.UTF8.GetString((byte[])value[1]), step, (float)value[2])); // tag, simple_value
            }
        }

        return scalars;
    }

    private static void AssertChecksum(ReadOnlySpan<byte> data, ReadOnlySpan<byte> stored)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in data)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        Assert.Equal(BitOperations.RotateRight(~crc, 15) + 0xa282ead8, BinaryPrimitives.ReadUInt32LittleEndian(stored));
    }

    /// <summary>The last value of each field of a message.</summary>
    private static Dictionary<int, object> Fields(byte[] message)
    {
        var fields = new Dictionary<int, object>();
        for (int at = 0; at < message.Length;)
        {
            ulong key = Varint(message, ref at);
            object value;
            switch (key & 7)
            {
                case 0:
                    value = Varint(message, ref at);
                    break;
                case 1:
                    value = BinaryPrimitives.ReadDoubleLittleEndian(message.AsSpan(at));
                    at += 8;
                    break;
                case 2:
                    int length = (int)Varint(message, ref at);
                    value = message[at..(at + length)];
                    at += length;
                    break;
                default:
                    value = BinaryPrimitives.ReadSingleLittleEndian(message.AsSpan(at));
                    at += 4;
                    break;
            }

            fields[(int)(key >> 3)] = value;
        }

        return fields;
    }

    private static ulong Varint(byte[] message, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = message[at++];
            value |= (ulong)(next & 127) << shift;
            if (next < 128)
            {
                return value;
            }
        }
    }
}
