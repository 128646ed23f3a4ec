using DinoSharp.Data;
using DinoSharp.Evaluation.Features;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Knn;

/// <summary>
/// The baseline a backbone has to beat: an image's own pixels as its feature. All pixels are positive, so that by cosine any two images
/// are alike; without the training set's mean image they are told apart better, which makes the stronger baseline.
/// </summary>
public static class RawPixels
{
    /// <summary>Pixels in 0 .. 1 as features, less the training set's mean image, of the images of both loaders.</summary>
    public static (FeatureTable Train, FeatureTable Test) Tables(EvaluationLoader train, EvaluationLoader test)
    {
        var function = Function(train.CropSize);
        var (trainTable, testTable) = (FeatureExtractor.Table(train, function), FeatureExtractor.Table(test, function));
        Center(trainTable, testTable);
        return (trainTable, testTable);
    }

    /// <summary>Takes the mean of the training images' features from both tables' features, in place.</summary>
    public static void Center(FeatureTable trainTable, FeatureTable testTable)
    {
        float[] mean = MeanOf(trainTable);
        Subtract(mean, trainTable);
        Subtract(mean, testTable);
    }

    /// <summary><see cref="Features"/> as what is computed of RGB images.</summary>
    /// <param name="side">of a view in pixels</param>
    public static FeatureFunction Function(int side) => new(3 * side * side, Features, () => "raw pixels");

    /// <summary>The pixels of images as features, in 0 .. 1, not centred.</summary>
    /// <param name="pixels">images of one size // uint8 [B, H, W, 3]</param>
    /// <returns>// float32 [B, H*W*3]</returns>
    public static float[] Features(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        return pixels.flatten(1).to(ScalarType.Float32).div_(255).data<float>().ToArray();
    }

    private static float[] MeanOf(FeatureTable table)
    {
        double[] sum = new double[table.Dim];
        for (int row = 0; row < table.Rows; row++)
        {
            var values = table.Row(row);
            for (int d = 0; d < sum.Length; d++)
            {
                sum[d] += values[d];
            }
        }

        return [.. sum.Select(s => (float)(s / table.Rows))];
    }

    private static void Subtract(float[] mean, FeatureTable table)
    {
        for (int row = 0; row < table.Rows; row++)
        {
            var values = table.Values.AsSpan(row * table.Dim, table.Dim);
            for (int d = 0; d < mean.Length; d++)
            {
                values[d] -= mean[d];
            }
        }
    }
}
