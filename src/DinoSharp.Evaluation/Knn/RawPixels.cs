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
        Center(SharedRows.Of(trainTable), SharedRows.Of(testTable));
        return (trainTable, testTable);
    }

    /// <summary>Takes the mean of the training images' features from both sets' features, in place.</summary>
    public static void Center(SharedRows train, SharedRows test)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        float[] mean = MeanOf(train);
        Subtract(mean, train);
        Subtract(mean, test);
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

    /// <summary>The sum goes from process to process, so that rows are added in their order however many there are.</summary>
    private static float[] MeanOf(SharedRows rows)
    {
        double[] sum = new double[rows.Dim];
        for (int rank = 0; rank < rows.Group.Size; rank++)
        {
            if (rank == rows.Group.Rank)
            {
                Add(rows.Own, sum);
            }

            using var told = tensor(sum);
            rows.Group.Broadcast(told, rank);
            sum = told.data<double>().ToArray();
        }

        return [.. sum.Select(s => (float)(s / rows.Count))];
    }

    private static void Add(ReadOnlySpan<float> rows, double[] sum)
    {
        for (; rows.Length > 0; rows = rows[sum.Length..])
        {
            for (int d = 0; d < sum.Length; d++)
            {
                sum[d] += rows[d];
            }
        }
    }

    private static void Subtract(float[] mean, SharedRows rows)
    {
        for (var values = rows.Own; values.Length > 0; values = values[mean.Length..])
        {
            for (int d = 0; d < mean.Length; d++)
            {
                values[d] -= mean[d];
            }
        }
    }
}
