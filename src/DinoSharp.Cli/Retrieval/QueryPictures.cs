using DinoSharp.Data;
using DinoSharp.Imaging;

namespace DinoSharp.Cli.Retrieval;

/// <summary>Pictures that are named one by one, and those of folders and archives, one after the other.</summary>
internal sealed class QueryPictures : IImageSource
{
    private readonly List<(string Name, Func<DecodeOptions, PixelImage> Load)> _pictures = [];
    private readonly List<IImageSource> _sources = [];

    public string Path { get; private init; } = "";

    public int Count => _pictures.Count;

    public IReadOnlyList<string> Classes => [];

    /// <exception cref="ImageSourceException">A folder or archive holds no images.</exception>
    public static QueryPictures Open(IReadOnlyList<string> paths)
    {
        var pictures = new QueryPictures { Path = string.Join(", ", paths) };
        foreach (string path in paths)
        {
            if (PictureFile.Is(path))
            {
                pictures._pictures.Add((path, options => ImageDecoder.Load(path, options)));
            }
            else
            {
                var source = ImageSources.Open(path);
                pictures._sources.Add(source);
                pictures._pictures.AddRange(Enumerable.Range(0, source.Count).Select(i =>
                    (source.NameOf(i), (Func<DecodeOptions, PixelImage>)(options => source.Load(i, options)))));
            }
        }

        return pictures;
    }

    public string NameOf(int index) => _pictures[index].Name;

    public int LabelOf(int index) => -1;

    public PixelImage Load(int index, DecodeOptions options) => _pictures[index].Load(options);

    public void Dispose() => _sources.ForEach(source => source.Dispose());
}
