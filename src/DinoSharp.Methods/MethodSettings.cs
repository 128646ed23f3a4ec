using DinoSharp.Data;
using DinoSharp.Training;

namespace DinoSharp.Methods;

/// <summary>All that decides what a training computes, beside network and images.</summary>
/// <param name="Method">settings of the method</param>
/// <param name="Training">of the loop</param>
/// <param name="Views">of what a step sees of an image</param>
public sealed record MethodSettings(MethodOptions Method, TrainingOptions Training, MultiCropOptions Views);
