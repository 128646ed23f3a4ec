namespace DinoSharp.Checkpoints.Tests;

/// <summary>How a file that is not to be trusted must end.</summary>
internal static class Refused
{
    /// <summary>Buffers of streams, and what the runtime sets aside for itself.</summary>
    private const long FixedMemory = 6 << 20;

    /// <summary>The costliest opcode is one byte that makes an empty dictionary.</summary>
    private const long MemoryAByte = 400;

    /// <summary>
    /// The value read, or null where the file was refused as it should be: by one line that names it. Never with much memory.
    /// </summary>
    public static object? OrRead(string path, Func<object?> read)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        object? value = null;
        try
        {
            value = read();
        }
        catch (CheckpointException refusal)
        {
            AssertOneLine(path, refusal);
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        long allowed = FixedMemory + MemoryAByte * new FileInfo(path).Length;
        Assert.True(allocated <= allowed, $"{allocated} bytes allocated for a file of {new FileInfo(path).Length}");
        return value;
    }

    /// <summary>Fails unless the file is refused with these words.</summary>
    public static void With(string words, string path, Func<object?> read)
    {
        CheckpointException? refusal = null;
        OrRead(path, () =>
        {
            refusal = Assert.Throws<CheckpointException>(read);
            throw refusal;
        });
        Assert.Contains(words, refusal!.Message, StringComparison.Ordinal);
    }

    private static void AssertOneLine(string path, CheckpointException refusal)
    {
        Assert.StartsWith(path, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(refusal.Message, char.IsControl);
        Assert.InRange(refusal.Message.Length, path.Length + 10, 1100);
    }
}
