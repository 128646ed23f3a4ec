namespace DinoSharp.Evaluation.Attention.Segmentation;

/// <summary>How well an image's attention masks agree with one of its objects: Jaccard similarities, in 0 .. 1.</summary>
/// <param name="Label">the object's value in the mask</param>
/// <param name="Heads">of each head's mask // [heads]</param>
/// <param name="MeanMap">of the mask of the mean of the heads' maps</param>
public sealed record ObjectJaccard(int Label, IReadOnlyList<double> Heads, double MeanMap);

/// <summary>The same for all objects of an image.</summary>
/// <param name="Image">the image's name</param>
/// <param name="Objects">by label; none where the mask shows background alone</param>
public sealed record ImageJaccard(string Image, IReadOnlyList<ObjectJaccard> Objects);
