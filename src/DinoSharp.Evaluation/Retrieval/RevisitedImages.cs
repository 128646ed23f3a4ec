using DinoSharp.Data;
using DinoSharp.Imaging;

namespace DinoSharp.Evaluation.Retrieval;

/// <summary>Images of a revisited benchmark, <c>jpg/NAME.jpg</c>; of queries, if wanted, the part that shows what is asked for.</summary>
internal sealed class RevisitedImages : IImageSource
{
    private readonly IReadOnlyList<string> _names;
    private readonly IReadOnlyList<IReadOnlyList<double>?>? _boxes;

    /// <param name="folder">the folder of the images</param>
    /// <param name="names">their names, without ending</param>
    /// <param name="boxes">left, top, right, bottom for each image, in pixels; null for whole images</param>
    /// <exception cref="EvaluationException">An image is missing.</exception>
    public RevisitedImages(string folder, IReadOnlyList<string> names, IReadOnlyList<IReadOnlyList<double>?>? boxes = null)
    {
        (Path, _names, _boxes) = (folder, names, boxes);
        string[] missing = [.. Enumerable.Range(0, names.Count).Select(FileOf).Where(file => !File.Exists(file))];
        if (missing.Length > 0)
        {
            throw new EvaluationException(
                $"{missing[0]}: this image of the benchmark is missing, as {missing.Length} of {names.Count} are; unpack its images into {folder}");
        }
    }

    public string Path { get; }

    public int Count => _names.Count;

    public IReadOnlyList<string> Classes => [];

    public string NameOf(int index) => _names[index];

    public int LabelOf(int index) => -1;

    public string FileOf(int index) => System.IO.Path.Combine(Path, _names[index] + ".jpg");

    public PixelImage Load(int index, DecodeOptions options)
    {
        var image = ImageDecoder.Load(FileOf(index), options);
        if (_boxes?[index] is not { } box)
        {
            return image;
        }

        using (image)
        {
            return Cut(image, box);
        }
    }

    public void Dispose()
    {
        // Files are open only while one is being read.
    }

    /// <summary>As Pillow's crop: sides are rounded to whole pixels, half a pixel to the even side. What lies outside of the image is left out.</summary>
    private static PixelImage Cut(PixelImage image, IReadOnlyList<double> box)
    {
        int left = Side(box[0], image.Width - 1), top = Side(box[1], image.Height - 1);
        CropBox part = new(
            top, left, Math.Max(1, Side(box[3], image.Height) - top), Math.Max(1, Side(box[2], image.Width) - left));
        PixelImage cut = new(part.Width, part.Height, image.Channels);
        Resampler.Resize(image, part, cut, ResampleFilter.Bilinear); // to the same size: a copy
        return cut;
    }

    private static int Side(double side, int most) => (int)Math.Clamp(Math.Round(side), 0, most);
}
