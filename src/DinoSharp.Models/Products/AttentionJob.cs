using static TorchSharp.torch;

namespace DinoSharp.Models.Products;

/// <summary>An attention, forward or backward, as its threads see it.</summary>
internal unsafe struct AttentionJob
{
    public float* Given; // queries, keys and values [T, 3D]
    public float* Output; // [T, D]
    public float* LogSums; // [T, heads]
    public float* Gradient; // of the output [T, D]
    public float* OfGiven; // [T, 3D]
    public float* Memory; // of all threads
    public AttentionPart* Parts;
    public nint Dim;
    public nint Heads;

    public readonly nint HeadDim => Dim / Heads;

    /// <param name="given">queries, keys and values // [T, 3D]</param>
    /// <param name="output">// [T, D]</param>
    /// <param name="logSums">// [T, heads]</param>
    public static AttentionJob Of(Tensor given, Tensor output, Tensor logSums) => new()
    {
        Given = Floats.Of(given),
        Output = Floats.Of(output),
        LogSums = Floats.Of(logSums),
        Dim = (nint)output.size(1),
        Heads = (nint)logSums.size(1),
    };

    /// <summary>Calls work(this, part, thread) for each part.</summary>
    /// <param name="groups">of images with the same number of tokens</param>
    /// <param name="most">queries a part</param>
    /// <param name="memory">floats that a thread needs</param>
    /// <param name="work">as of <see cref="TorchThreads.Run"/></param>
    public void Run(IEnumerable<(long Images, long Tokens)> groups, nint most, nint memory, delegate*<void*, int, int, void> work)
    {
        var parts = AttentionPart.Of(groups, (int)Heads, most);
        using var scratch = empty(get_num_threads() * memory);
        fixed (AttentionPart* first = parts)
        {
            var job = this with { Memory = Floats.Of(scratch), Parts = first };
            TorchThreads.Run(parts.Length, work, &job);
        }
    }
}
