using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace DinoSharp.Distributed.Watch;

/// <summary>What ranks say to each other beside the work.</summary>
internal enum Word : byte
{
    /// <summary>I am here.</summary>
    Alive,

    /// <summary>I cannot go on; with an exit code and why.</summary>
    Failed,

    /// <summary>All end; with an exit code.</summary>
    End,

    /// <summary>My work is done: that I am gone is no failure.</summary>
    Leaving,
}

/// <summary>The connection to another rank, and how it stands with that rank.</summary>
/// <param name="rank">the other rank</param>
/// <param name="socket">connected</param>
internal sealed class RankLink(int rank, Socket socket) : IDisposable
{
    private const int HeaderBytes = 1 + 2 * sizeof(int); // word, code, length of the text

    private readonly Lock _sending = new();
    private readonly byte[] _buffer = new byte[1 << 12];
    private readonly List<byte> _received = [];

    public int Rank => rank;

    public Socket Socket => socket;

    /// <summary>Since it last said something.</summary>
    public TimeSpan Silence { get; set; }

    /// <summary>Whether nothing more is expected of it.</summary>
    public bool Over { get; set; }

    /// <summary>Says something. Where the other cannot hear any more, <see cref="Read"/> will tell.</summary>
    public void Say(Word word, int code = 0, string text = "")
    {
        byte[] bytes = new byte[HeaderBytes + Encoding.UTF8.GetByteCount(text)];
        bytes[0] = (byte)word;
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(1), code);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(1 + sizeof(int)), bytes.Length - HeaderBytes);
        Encoding.UTF8.GetBytes(text, bytes.AsSpan(HeaderBytes));
        lock (_sending)
        {
            socket.Send(bytes, SocketFlags.None, out _);
        }
    }

    /// <summary>Reads what is there, which must be something.</summary>
    /// <returns>what was said; null where the connection is at its end, as the process is gone</returns>
    public IReadOnlyList<(Word Word, int Code, string Text)>? Read()
    {
        int count = socket.Receive(_buffer, SocketFlags.None, out var error);
        if (count == 0 || error != SocketError.Success)
        {
            return null;
        }

        _received.AddRange(_buffer.AsSpan(0, count));
        var said = new List<(Word, int, string)>();
        while (_received.Count >= HeaderBytes)
        {
            byte[] all = [.. _received];
            int length = BinaryPrimitives.ReadInt32LittleEndian(all.AsSpan(1 + sizeof(int)));
            if (all.Length < HeaderBytes + length)
            {
                break;
            }

            said.Add((
                (Word)all[0],
                BinaryPrimitives.ReadInt32LittleEndian(all.AsSpan(1)),
                Encoding.UTF8.GetString(all, HeaderBytes, length)));
            _received.RemoveRange(0, HeaderBytes + length);
        }

        return said;
    }

    public void Dispose() => socket.Dispose();
}
