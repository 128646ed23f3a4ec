using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Knn;

/// <summary>
/// The baseline a backbone has to beat: an image's own pixels as its feature. All pixels are positive, so that by cosine any two images
/// are alike; without the training set's mean image they are told apart better, which makes the stronger baseline.
/// </summary>
public static class RawPixels
{
    /// <summary>Pixels in 0 .. 1 as vectors.</summary>
    /// <param name="pixels">images of one size // uint8 [B, H, W, 3]</param>
    /// <returns>// float32 [B, H*W*3]</returns>
    public static Tensor Features(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        return pixels.flatten(1).to(ScalarType.Float32).div_(255).MoveToOuterDisposeScope();
    }

    /// <summary>Subtracts the training set's mean from both sets, in place.</summary>
    /// <param name="train">// float32 [N, P]</param>
    /// <param name="test">// float32 [M, P]</param>
    public static void Centre(Tensor train, Tensor test)
    {
        using var noGradients = no_grad();
        using var mean = train.mean([0]); // [P]
        train.sub_(mean);
        test.sub_(mean);
    }
}
