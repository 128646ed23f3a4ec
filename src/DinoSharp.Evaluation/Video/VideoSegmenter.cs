using DinoSharp.Imaging;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Video;

/// <summary>
/// Follows objects through a video from the first frame's mask on, without any training for it: the DAVIS protocol of arXiv 2104.14294,
/// section 4.2.2. Frames are given one after the other.
/// </summary>
/// <example>
/// <code>
/// using var segmenter = new VideoSegmenter(network, firstFrame, IndexedPng.Load("first.png"));
/// foreach (PixelImage frame in laterFrames)
/// {
///     IndexedImage mask = segmenter.Next(frame);
/// }
/// </code>
/// </example>
public sealed class VideoSegmenter : IDisposable
{
    private readonly VisionTransformer _network;
    private readonly PropagationOptions _options;
    private readonly LabelPropagation _propagation;
    private readonly SoftMasks _masks;
    private readonly Queue<float[]> _lastLabels = new();
    private readonly (int Width, int Height) _size;
    private readonly byte[] _objects; // by label

    /// <summary>Begins with the first frame.</summary>
    /// <param name="network">on any device</param>
    /// <param name="first">RGB</param>
    /// <param name="mask">of the first frame's size: 0 where there is no object, any other number an object</param>
    /// <param name="options">the published values unless given</param>
    /// <param name="name">what errors call the first frame</param>
    /// <exception cref="EvaluationException">The mask does not fit the frame, or the frame is too small.</exception>
    public VideoSegmenter(VisionTransformer network, PixelImage first, IndexedImage mask, PropagationOptions? options = null, string name = "frame 0")
    {
        (_network, _options) = (network, (options ?? new()).Validated());
        _size = (first.Width, first.Height);
        if (_size != (mask.Width, mask.Height))
        {
            throw new EvaluationException(
                $"{name}: has {first.Width} x {first.Height} pixels, and its mask {mask.Width} x {mask.Height}: give the mask of this frame");
        }

        int patch = network.Options.PatchSize;
        var (width, height) = FrameView.SizeOf(first.Width, first.Height, _options.ImageSide);
        var (rows, columns) = (height / patch, width / patch);
        if (rows == 0 || columns == 0)
        {
            throw new EvaluationException($"{name}: {first.Width} x {first.Height} pixels are too narrow a frame: its view has no patches");
        }

        var small = mask.Resize(columns, rows);
        _objects = [.. small.Indices.Append((byte)0).Distinct().Order()];
        Lost = [.. mask.Indices.Distinct().Except(_objects).Order()];
        float[] labels = new float[small.Indices.Length * _objects.Length];
        for (int i = 0; i < small.Indices.Length; i++)
        {
            labels[i * _objects.Length + Array.IndexOf(_objects, small.Indices[i])] = 1;
        }

        _masks = new SoftMasks(rows, columns, patch);
        using var features = PatchFeatures.Of(network, first, _options.ImageSide, name);
        _propagation = new LabelPropagation(features, labels, _options);
    }

    /// <summary>Frames so far, the first one included.</summary>
    public int Frames => _propagation.Frames;

    /// <summary>The numbers of the objects that are followed.</summary>
    public IReadOnlyList<byte> Objects => [.. _objects.Where(number => number != 0)];

    /// <summary>Numbers in the mask that no patch's middle has: objects too small to be followed.</summary>
    public IReadOnlyList<byte> Lost { get; }

    /// <summary>The mask of the next frame, in the colours of DAVIS.</summary>
    /// <param name="frame">of the first one's size</param>
    /// <param name="name">what errors call the frame</param>
    /// <exception cref="EvaluationException">The frame is of another size.</exception>
    public IndexedImage Next(PixelImage frame, string name = "the next frame")
    {
        CheckSize(frame, name);
        float[] soft;
        using (var features = PatchFeatures.Of(_network, frame, _options.ImageSide, name))
        {
            soft = _propagation.Next(features);
        }

        Remember(soft);
        TorchRuntime.Sweep();
        byte[] largest = _masks.Largest(soft, _objects.Length);
        for (int i = 0; i < largest.Length; i++)
        {
            largest[i] = _objects[largest[i]];
        }

        return new IndexedImage(_masks.Width, _masks.Height, largest).Resize(_size.Width, _size.Height);
    }

    /// <summary>What <see cref="Resume"/> needs beside the frames: the soft labels of the last ones.</summary>
    public PropagationState State() => new(Frames, IsWhole: false, [.. _lastLabels]);

    /// <summary>Goes on where another one was, to the same bits. Nothing may have been segmented yet.</summary>
    /// <param name="state">of the other</param>
    /// <param name="lastFrames">the frames whose labels the state has, oldest first; disposed here</param>
    /// <exception cref="EvaluationException">State and frames do not fit each other or this video.</exception>
    public void Resume(PropagationState state, IEnumerable<PixelImage> lastFrames)
    {
        int expected = Math.Min(_options.LastFrames, state.Frames - 1);
        if (Frames != 1 || state.Labels.Count != expected)
        {
            throw new EvaluationException($"a state of {state.Labels.Count} frames' labels is not one of this propagation; begin anew");
        }

        _propagation.Skip(state.Frames - 1 - expected);
        int done = 0;
        foreach (var frame in lastFrames.Take(expected))
        {
            using (frame)
            {
                string name = $"frame {Frames}";
                CheckSize(frame, name);
                using var features = PatchFeatures.Of(_network, frame, _options.ImageSide, name);
                if (state.Labels[done].Length != features.size(0) * features.size(1) * _objects.Length)
                {
                    throw new EvaluationException($"the state is of another video or other objects; begin anew");
                }

                _propagation.Push(features, state.Labels[done]);
                Remember(state.Labels[done]);
                done++;
            }
        }

        if (done != expected)
        {
            throw new EvaluationException($"the video has become shorter than the {state.Frames} frames that were segmented; begin anew");
        }
    }

    public void Dispose() => _propagation.Dispose();

    private void CheckSize(PixelImage frame, string name)
    {
        if ((frame.Width, frame.Height) != _size)
        {
            throw new EvaluationException(
                $"{name}: has {frame.Width} x {frame.Height} pixels, the first frame {_size.Width} x {_size.Height}: frames are of one size");
        }
    }

    private void Remember(float[] labels)
    {
        _lastLabels.Enqueue(labels);
        while (_lastLabels.Count > _options.LastFrames)
        {
            _lastLabels.Dequeue();
        }
    }
}
