using DinoSharp.Imaging;

namespace DinoSharp.Evaluation.Attention.Segmentation;

/// <summary>Holds attention masks against an annotation: the area of intersection over that of union, object by object.</summary>
public static class MaskJaccard
{
    /// <summary>The label of pixels that show no object.</summary>
    public const byte Background = 0;

    /// <summary>
    /// The label of pixels that are not judged, such as the borders of PASCAL VOC's objects: they count neither for nor against a mask.
    /// </summary>
    public const byte Void = 255;

    private const int Labels = 256;

    /// <summary>The similarity of the masks of an image's maps with each of the objects annotated on it.</summary>
    /// <param name="heads">the image's maps, which cover all of it</param>
    /// <param name="annotation">
    /// a label a pixel, of any size. Each label but <see cref="Background"/> and <see cref="Void"/> is an object
    /// </param>
    /// <param name="mass">the share of the attention that a map's mask keeps</param>
    /// <returns>by label</returns>
    public static IReadOnlyList<ObjectJaccard> Of(
        IReadOnlyList<AttentionMap> heads, IndexedImage annotation, double mass = AttentionMap.DefaultMass)
    {
        bool[][] masks = [.. heads.Append(AttentionMaps.Mean(heads)).Select(map => map.Mask(mass))]; // [heads + 1, N]
        int[] counts = Count(annotation, heads[0].Rows, heads[0].Columns); // [N, 256]
        int[] judged = [.. counts.Chunk(Labels).Select(patch => patch[..Void].Sum())]; // [N]
        var objects = new List<ObjectJaccard>();
        for (int label = Background + 1; label < Void; label++)
        {
            int area = 0;
            for (int patch = 0; patch < judged.Length; patch++)
            {
                area += counts[patch * Labels + label];
            }

            if (area > 0)
            {
                double[] similarities = [.. masks.Select(mask => Similarity(mask, counts, judged, label, area))];
                objects.Add(new ObjectJaccard(label, similarities[..^1], similarities[^1]));
            }
        }

        return objects;
    }

    private static double Similarity(bool[] mask, int[] counts, int[] judged, int label, int area)
    {
        int intersection = 0, kept = 0;
        for (int patch = 0; patch < mask.Length; patch++)
        {
            if (mask[patch])
            {
                intersection += counts[patch * Labels + label];
                kept += judged[patch];
            }
        }

        return (double)intersection / (area + kept - intersection);
    }

    /// <summary>
    /// How many pixels of each label lie under each patch: those whose centre does. Counting on the annotation's own pixels is what
    /// enlarging the map to them would give.
    /// </summary>
    private static int[] Count(IndexedImage annotation, int rows, int columns)
    {
        int[] counts = new int[rows * columns * Labels];
        int[] columnOf = [.. Enumerable.Range(0, annotation.Width).Select(x => Patch(x, columns, annotation.Width) * Labels)];
        for (int y = 0; y < annotation.Height; y++)
        {
            var line = annotation.Indices.AsSpan(y * annotation.Width, annotation.Width);
            int row = Patch(y, rows, annotation.Height) * columns * Labels;
            for (int x = 0; x < line.Length; x++)
            {
                counts[row + columnOf[x] + line[x]]++;
            }
        }

        return counts;
    }

    private static int Patch(int pixel, int patches, int pixels) => (int)((2L * pixel + 1) * patches / (2L * pixels));
}
