using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Video;

/// <summary>
/// Labels of patches that go from frames to the next one by the similarity of features (arXiv 2104.14294, section 4.2.2): each patch takes
/// the mean label of the most similar patches in its neighbourhood in the first frame and the last ones, weighted by exp(cosine / temperature).
/// Labels stay soft from frame to frame.
/// </summary>
/// <remarks>
/// The similarities of all pairs would be M x M numbers a frame, of which the neighbourhood needs a tenth at 480 pixels and patches of 8. They
/// are computed for a square of patches at a time, with all that its neighbourhoods reach in all frames of the context: one matrix product
/// into memory that is used again.
/// </remarks>
public sealed unsafe class LabelPropagation : IDisposable
{
    /// <summary>Rows and columns of the square: larger ones make larger products, of which less is needed.</summary>
    internal const int TileSide = 12;

    private readonly PropagationOptions _options;
    private readonly int _rows;
    private readonly int _columns;
    private readonly int _labels;
    private readonly Tensor _features; // [1 + last frames, h, w, D]; the first frame, then the last ones in turn
    private readonly float[][] _soft; // as many, [h w, labels]
    private readonly Tensor _reached; // features that a square's neighbourhoods reach
    private readonly Tensor _similarities;
    private readonly TopNeighbors _top;

    /// <summary>Begins with the first frame and its labels.</summary>
    /// <param name="features">of length 1 each, on the CPU // float32 [h, w, D]</param>
    /// <param name="labels">a share of each label a patch // [h w, labels]</param>
    /// <param name="options">the protocol's values</param>
    /// <exception cref="ArgumentException">Sizes or options make no sense.</exception>
    public LabelPropagation(Tensor features, float[] labels, PropagationOptions options)
    {
        _options = options.Validated();
        (_rows, _columns) = ((int)features.size(0), (int)features.size(1));
        int patches = _rows * _columns, dim = (int)features.size(2);
        if (labels.Length == 0 || labels.Length % patches != 0)
        {
            throw new ArgumentException($"{labels.Length} labels are no whole number for {patches} patches", nameof(labels));
        }

        _labels = labels.Length / patches;
        int frames = 1 + options.LastFrames;
        _soft = [.. Enumerable.Range(0, frames).Select(frame => frame == 0 ? [.. labels] : new float[labels.Length])];
        _features = empty(frames, _rows, _columns, dim).DetachFromDisposeScope();
        long reach = (long)frames * ReachOf(_rows) * ReachOf(_columns);
        _reached = empty(IsLocal ? reach * dim : 0).DetachFromDisposeScope();
        _similarities = empty(TileSide * TileSide * reach).DetachFromDisposeScope();
        _top = new TopNeighbors(options.TopK, (float)options.Temperature);
        Keep(0, features);
    }

    /// <summary>Frames so far, the first one included.</summary>
    public int Frames { get; private set; } = 1;

    private bool IsLocal => _options.Neighborhood > 0;

    private int Radius => IsLocal ? _options.Neighborhood : Math.Max(_rows, _columns);

    /// <summary>The labels of the next frame, which from now on is one of the last.</summary>
    /// <param name="features">of the size of the first frame's // float32 [h, w, D]</param>
    /// <returns>a share of each label a patch // [h w, labels]</returns>
    public float[] Next(Tensor features)
    {
        int context = Math.Min(Frames, _soft.Length);
        float[] soft = new float[_rows * _columns * _labels];
        using (inference_mode())
        {
            for (int y = 0; y < _rows; y += TileSide)
            {
                for (int x = 0; x < _columns; x += TileSide)
                {
                    Vote(features, new PatchArea(y, x, Math.Min(TileSide, _rows - y), Math.Min(TileSide, _columns - x)), context, soft);
                }
            }
        }

        Push(features, soft);
        return soft;
    }

    /// <summary>Takes a frame's labels as they are known: how a propagation that was interrupted is put together again.</summary>
    /// <param name="features">// float32 [h, w, D]</param>
    /// <param name="labels">// [h w, labels]</param>
    public void Push(Tensor features, float[] labels)
    {
        if (_options.LastFrames > 0)
        {
            int slot = SlotOf(Frames);
            Keep(slot, features);
            labels.CopyTo(_soft[slot], 0);
        }

        Frames++;
    }

    /// <summary>Counts frames that are known to be too old to matter.</summary>
    internal void Skip(int frames) => Frames += frames;

    public void Dispose()
    {
        _features.Dispose();
        _reached.Dispose();
        _similarities.Dispose();
    }

    private int SlotOf(int frame) => 1 + (frame - 1) % _options.LastFrames;

    private int ReachOf(int length) => IsLocal ? Math.Min(length, TileSide + 2 * _options.Neighborhood) : length;

    private void Keep(int slot, Tensor features)
    {
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        _features[slot].copy_(features);
    }

    /// <summary>The labels of a square of patches.</summary>
    private void Vote(Tensor features, PatchArea square, int context, float[] soft)
    {
        using var scope = NewDisposeScope();
        var area = square.Grown(Radius, _rows, _columns);
        long dim = features.size(2), sources = (long)context * area.Count;
        var targets = features.narrow(0, square.Top, square.Rows).narrow(1, square.Left, square.Columns).reshape(-1, dim); // [t, D]
        var within = _features.narrow(0, 0, context).narrow(1, area.Top, area.Rows).narrow(2, area.Left, area.Columns);
        var reached = IsLocal
            ? _reached.narrow(0, 0, sources * dim).view(context, area.Rows, area.Columns, dim).copy_(within).view(sources, dim)
            : within.view(sources, dim); // [s, D]
        var similarities = _similarities.narrow(0, 0, square.Count * sources).view(square.Count, sources);
        similarities.addmm_(targets, reached.t(), beta: 0, alpha: 1); // [t, s]
        float* cosines = (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(similarities.bytes)); // torch's own and does not move
        for (int target = 0; target < square.Count; target++)
        {
            int y = square.Top + target / square.Columns, x = square.Left + target % square.Columns;
            var neighborhood = new PatchArea(y, x, 1, 1).Grown(Radius, _rows, _columns);
            var result = soft.AsSpan((y * _columns + x) * _labels, _labels);
            _top.Vote(cosines + target * sources, area, neighborhood, _soft.AsSpan(0, context), _columns, result);
        }
    }
}
