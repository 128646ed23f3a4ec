using System.Buffers.Binary;

namespace DinoSharp.Imaging.Animation;

/// <summary>
/// An animated PNG: each frame is encoded as a picture of its own, and its compressed rows go into the file, behind a chunk that says how
/// long it is shown. Programs that know no animation show the first frame. (PNG specification, third edition, section 11.3.6)
/// </summary>
internal sealed class AnimatedPng(string path, double framesPerSecond) : AnimationWriter(path)
{
    /// <summary>A frame is shown for so many of a second's parts.</summary>
    private const ushort PartsOfSecond = 1000;

    private readonly FileStream _file = File.Create(path);
    private long _animationChunk;
    private uint _sequence;

    private protected override void Append(PixelImage frame, int index)
    {
        if (index == 0)
        {
            _file.Write(PngChunks.Signature);
            PngChunks.WriteHeader(_file, frame.Width, frame.Height, depth: 8, colorType: 2); // RGB
            _animationChunk = _file.Position;
            WriteAnimation(frames: 0);
        }

        byte[] control = new byte[26];
        BinaryPrimitives.WriteUInt32BigEndian(control, _sequence++);
        BinaryPrimitives.WriteInt32BigEndian(control.AsSpan(4), frame.Width);
        BinaryPrimitives.WriteInt32BigEndian(control.AsSpan(8), frame.Height);
        BinaryPrimitives.WriteUInt16BigEndian(control.AsSpan(20), (ushort)Math.Clamp(Math.Round(PartsOfSecond / framesPerSecond), 1, ushort.MaxValue));
        BinaryPrimitives.WriteUInt16BigEndian(control.AsSpan(22), PartsOfSecond);
        PngChunks.Write(_file, "fcTL"u8, control);

        byte[] number = new byte[4];
        ReadOnlySpan<byte> rest = PngWriter.Encode(frame).AsSpan(PngChunks.Signature.Length);
        while (!rest.IsEmpty)
        {
            if (PngChunks.Read(ref rest, FilePath, out ReadOnlySpan<byte> content).SequenceEqual("IDAT"u8))
            {
                if (index == 0)
                {
                    PngChunks.Write(_file, "IDAT"u8, content.ToArray());
                }
                else
                {
                    BinaryPrimitives.WriteUInt32BigEndian(number, _sequence++);
                    PngChunks.Write(_file, "fdAT"u8, number, content.ToArray());
                }
            }
        }
    }

    private protected override void End()
    {
        PngChunks.Write(_file, "IEND"u8);
        _file.Position = _animationChunk;
        WriteAnimation(Count);
        _file.Dispose();
    }

    private protected override void Release() => _file.Dispose();

    /// <summary>How many frames there are, and that they are shown again and again.</summary>
    private void WriteAnimation(int frames)
    {
        byte[] content = new byte[8];
        BinaryPrimitives.WriteInt32BigEndian(content, frames);
        PngChunks.Write(_file, "acTL"u8, content);
    }
}
