using static TorchSharp.torch;

namespace DinoSharp.Distributed;

/// <summary>
/// Which images of a step are this process's: of n·b images those from rank·b on. Tensors of a batch are view-major, so that a whole one holds
/// the images of all ranks view by view.
/// </summary>
/// <param name="Group">the processes</param>
/// <param name="Images">b: images of a step, or of the part of it that goes through the network at once, that are this process's</param>
public sealed record BatchShare(ProcessGroup Group, long Images)
{
    /// <summary>The number of this process's first image among those of all.</summary>
    public long First => Group.Rank * Images;

    /// <summary>This process's rows of a batch.</summary>
    /// <param name="whole">of all images, view-major // [V n b, ...]</param>
    /// <returns>// [V b, ...]</returns>
    public Tensor Own(Tensor whole)
    {
        if (Group.Size == 1)
        {
            return whole.alias();
        }

        using var scope = NewDisposeScope();
        long[] row = whole.shape[1..];
        return whole.view([-1, Group.Size, Images, .. row]).select(1, Group.Rank).reshape([-1, .. row]).MoveToOuterDisposeScope();
    }

    /// <summary>The batch of which each process has its rows; no gradient goes there.</summary>
    /// <param name="own">view-major // [V b, ...]</param>
    /// <returns>// [V n b, ...]</returns>
    public Tensor Whole(Tensor own)
    {
        if (Group.Size == 1)
        {
            return own.alias();
        }

        using var scope = NewDisposeScope();
        return ByView(Group.Gather(own.detach().contiguous()), own).MoveToOuterDisposeScope();
    }

    /// <summary>As <see cref="Whole"/>, and gradients go there.</summary>
    /// <param name="own">view-major // [V b, ...]</param>
    /// <returns>// [V n b, ...]</returns>
    public Tensor WholeWithGradients(Tensor own)
    {
        if (Group.Size == 1)
        {
            return own.alias();
        }

        using var scope = NewDisposeScope();
        return ByView(RankRows.Of(Group, own), own).MoveToOuterDisposeScope();
    }

    /// <summary>This process's rows of what is drawn for the whole batch, so that chance does not depend on how the batch is shared.</summary>
    /// <param name="rows">V b: of this process</param>
    /// <param name="draw">draws for so many rows from torch's random state, which is the same on every rank // [rows, ...]</param>
    /// <returns>// [V b, ...]</returns>
    public Tensor Draw(long rows, Func<long, Tensor> draw)
    {
        using var scope = NewDisposeScope();
        return Own(draw(rows * Group.Size)).MoveToOuterDisposeScope();
    }

    private Tensor ByView(Tensor gathered, Tensor own)
    {
        long[] row = own.shape[1..];
        return gathered.view([Group.Size, -1, Images, .. row]).transpose(0, 1).reshape([-1, .. row]); // [n, V, b] → [V, n, b]
    }
}
