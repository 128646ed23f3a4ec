using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using DinoSharp.Imaging;

namespace DinoSharp.Cli.Tests;

/// <summary>The frames of an animated PNG, taken out as PNG files of their own by a few lines that know nothing of the writer.</summary>
internal static class AnimatedFrames
{
    private const int SignatureLength = 8;
    private const int SequenceNumber = 4;

    public static List<PixelImage> Of(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        byte[] header = [];
        var frames = new List<List<byte>>();
        for (int at = SignatureLength; at < file.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            string name = Encoding.ASCII.GetString(file, at + 4, 4);
            byte[] content = file[(at + 8)..(at + 8 + length)];
            Assert.Equal(BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at + 8 + length)), Crc32.HashToUInt32(file.AsSpan(at + 4, length + 4)));
            switch (name)
            {
                case "IHDR":
                    header = content;
                    break;
                case "acTL":
                    frames.Capacity = BinaryPrimitives.ReadInt32BigEndian(content);
                    break;
                case "fcTL":
                    frames.Add([]);
                    break;
                case "IDAT":
                    frames[^1].AddRange(content);
                    break;
                case "fdAT":
                    frames[^1].AddRange(content[SequenceNumber..]);
                    break;
            }

            at += length + 12;
        }

        Assert.Equal(frames.Capacity, frames.Count);
        byte[][] pngs =
        [
            .. frames.Select(data => (byte[])[.. file[..SignatureLength], .. Chunk("IHDR", header), .. Chunk("IDAT", [.. data]), .. Chunk("IEND", [])]),
        ];
        return [.. pngs.Select(png => ImageDecoder.Decode(png, "frame"))];
    }

    private static byte[] Chunk(string name, byte[] content)
    {
        byte[] chunk = new byte[content.Length + 12];
        BinaryPrimitives.WriteInt32BigEndian(chunk, content.Length);
        Encoding.ASCII.GetBytes(name, chunk.AsSpan(4));
        content.CopyTo(chunk, 8);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(content.Length + 8), Crc32.HashToUInt32(chunk.AsSpan(4, content.Length + 4)));
        return chunk;
    }
}
