namespace DinoSharp.Methods.NoisyStudent;

/// <summary>Which pseudo-labels a student learns from: those the teacher is sure of, as many of each class (arXiv 1911.04252, section 3.1).</summary>
public static class PseudoLabelSelection
{
    /// <summary>
    /// Of each class so many images: those the teacher is surest of, and where they are too few all of them over and over. A class that
    /// no image is of for sure has none.
    /// </summary>
    /// <param name="labels">what the teacher says of each image</param>
    /// <param name="threshold">confidence below which an image is left out</param>
    /// <param name="imagesPerClass">null for the mean over the classes that have images, so that there are about as many in all as before</param>
    /// <returns>class by class, the surest first; an image as often as it is to be seen in an epoch</returns>
    /// <exception cref="ArgumentOutOfRangeException">The number of images is not above 0.</exception>
    public static IReadOnlyList<PseudoLabel> Balanced(IEnumerable<PseudoLabel> labels, double threshold, int? imagesPerClass = null)
    {
        if (imagesPerClass is { } asked)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(asked, nameof(imagesPerClass));
        }

        PseudoLabel[][] classes =
        [
            .. labels.Where(label => label.Confidence >= threshold)
                .GroupBy(label => label.Class)
                .OrderBy(group => group.Key)
                .Select(group => group.OrderByDescending(label => label.Confidence).ThenBy(label => label.Image).ToArray()),
        ];
        if (classes.Length == 0)
        {
            return [];
        }

        int count = imagesPerClass ?? (int)Math.Round(classes.Average(images => images.Length), MidpointRounding.AwayFromZero);
        return [.. classes.SelectMany(images => Enumerable.Range(0, count).Select(i => images[i % images.Length]))];
    }
}
