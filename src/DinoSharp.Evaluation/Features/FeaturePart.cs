using DinoSharp.Data;

namespace DinoSharp.Evaluation.Features;

/// <summary>Features of a run of a source's images, in its order.</summary>
/// <param name="Start">the first image of the run</param>
/// <param name="End">the first image behind it</param>
/// <param name="Indices">which image of the source each row is</param>
/// <param name="Values">a row an image that could be used // [N, D]</param>
/// <param name="Faults">the images of the run that could not be used</param>
internal sealed record FeaturePart(int Start, int End, int[] Indices, ReadOnlyMemory<float> Values, Fault[] Faults);
