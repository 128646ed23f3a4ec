using DinoSharp.Imaging;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

/// <summary>
/// A benchmark in the public layout of revisited Oxford: places, each a texture of its own, with a query, easy, hard and junk images of it;
/// and images of no place.
/// </summary>
internal sealed class DrawnOxford
{
    public const int Places = 4;
    public const int OfEachKind = 2;
    public const int Others = 6;

    private readonly TestFolder _folder;
    private readonly List<string> _names = [];

    /// <param name="folder">where it is drawn</param>
    /// <param name="shift">whose answers a query is given: 0 for its own, 1 for the next place's</param>
    public DrawnOxford(TestFolder folder, int shift = 0)
    {
        _folder = folder;
        var places = Enumerable.Range(0, Places).Select(Draw).ToList();
        for (int other = 0; other < Others; other++)
        {
            Write($"other_{other}", Texture(100 + other, 90, 70));
        }

        folder.Write("data/roxford5k/gnd_roxford5k.pkl", PythonPickle.Of(new Dictionary<string, object>
        {
            ["imlist"] = _names,
            ["qimlist"] = Enumerable.Range(0, Places).Select(p => $"query_{p}").ToList(),
            ["gnd"] = Enumerable.Range(0, Places).Select(p => places[(p + shift) % Places]).ToList(),
        }));
    }

    public string Data => Path.Combine(_folder.Path, "data");

    public int Images => _names.Count;

    /// <summary>The query is a third of its image, and the answers show that third: the same pixels, if the query is cut out.</summary>
    private Dictionary<string, object> Draw(int place)
    {
        using PixelImage scene = new(120, 60);
        scene.Pixels.Fill((byte)(40 * place));
        byte[] part = Texture(place, 40, 60);
        using (var texture = ImageDecoder.Decode(part, "texture"))
        {
            PixelOperations.Paste(texture, scene, 0, 40);
        }

        _folder.Write($"data/roxford5k/jpg/query_{place}.jpg", PngWriter.Encode(scene));
        return new Dictionary<string, object>
        {
            ["bbx"] = new[] { 40.0, 0.0, 80.0, 60.0 },
            ["easy"] = Copies("easy"),
            ["hard"] = Copies("hard"),
            ["junk"] = Copies("junk"),
        };

        int[] Copies(string kind) => [.. Enumerable.Range(0, OfEachKind).Select(i => Write($"place_{place}_{kind}_{i}", part))];
    }

    private int Write(string name, byte[] image)
    {
        _folder.Write($"data/roxford5k/jpg/{name}.jpg", image);
        _names.Add(name);
        return _names.Count - 1;
    }

    /// <summary>Blocks of colours, other for each seed.</summary>
    private static byte[] Texture(int seed, int width, int height)
    {
        using PixelImage image = new(width, height);
        for (int i = 0; i < image.Pixels.Length; i++)
        {
            int block = i / 3 % width / 10 + i / 3 / width / 10 * 17;
            image.Pixels[i] = (byte)(new Random(seed * 1000 + block * 3 + i % 3).Next(256));
        }

        return PngWriter.Encode(image);
    }
}
