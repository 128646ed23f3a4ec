using System.Buffers.Binary;
using System.Security.Cryptography;
using DinoSharp.Cuda;
using DinoSharp.Training;
using static TorchSharp.torch;

namespace DinoSharp.Methods.NoisyStudent;

/// <summary>Labels of some images, and behind them what a teacher says of others.</summary>
public sealed class SoftLabels : IImageTargets
{
    private readonly ImageLabels _labelled;
    private readonly int _labelledCount;
    private readonly IReadOnlyList<PseudoLabel> _others;
    private readonly bool _hard;

    /// <param name="labelled">of the first images</param>
    /// <param name="labelledCount">how many these are</param>
    /// <param name="others">of the images behind them, one each in their order</param>
    /// <param name="hard">whether the teacher's most probable class counts alone, and not all probabilities</param>
    /// <exception cref="ArgumentException">The teacher knows other classes.</exception>
    public SoftLabels(ImageLabels labelled, int labelledCount, IReadOnlyList<PseudoLabel> others, bool hard)
    {
        (_labelled, _labelledCount, _others, _hard) = (labelled, labelledCount, others, hard);
        if (others.FirstOrDefault(label => label.Probabilities.Length != labelled.Classes) is { } odd)
        {
            throw new ArgumentException(
                $"{labelled.Path}: has {labelled.Classes} classes and the teacher {odd.Probabilities.Length}: " +
                "let a teacher of these classes label the images");
        }
    }

    public int Classes => _labelled.Classes;

    public IReadOnlyList<string> Names => _labelled.Names;

    /// <summary>The targets of the images behind the labelled ones in a few letters.</summary>
    public string Fingerprint
    {
        get
        {
            using var values = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            byte[] bytes = new byte[sizeof(float)];
            foreach (float value in _others.SelectMany(label => Row(label).ToArray()))
            {
                BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
                values.AppendData(bytes);
            }

            return Convert.ToHexStringLower(values.GetHashAndReset())[..16];
        }
    }

    public Tensor Targets(TrainingBatch batch, Device device)
    {
        float[] targets = new float[batch.Images.Count * Classes];
        foreach (var (row, image) in batch.Images.Index())
        {
            var target = targets.AsSpan(row * Classes, Classes);
            if (image < _labelledCount)
            {
                target[(int)_labelled[image]] = 1;
            }
            else
            {
                Row(_others[(int)image - _labelledCount]).CopyTo(target);
            }
        }

        return tensor(targets, [batch.Images.Count, Classes]).Bring(device);
    }

    private ReadOnlySpan<float> Row(PseudoLabel label)
    {
        if (!_hard)
        {
            return label.Probabilities.Span;
        }

        float[] row = new float[Classes];
        row[label.Class] = 1;
        return row;
    }
}
