namespace DinoSharp.Imaging.Animation;

/// <summary>A folder whose pictures, by name, are frames.</summary>
internal sealed class FrameFolder : FrameSequence
{
    private static readonly string[] Endings = [".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"];
    private static readonly DecodeOptions Upright = new() { ApplyOrientation = true };

    private readonly string[] _files;

    public FrameFolder(string path)
        : base(path)
    {
        _files =
        [
            .. Directory.EnumerateFiles(path)
                .Where(file => Endings.Contains(System.IO.Path.GetExtension(file).ToLowerInvariant()))
                .Where(file => !System.IO.Path.GetFileName(file).StartsWith('.'))
                .Order(StringComparer.Ordinal),
        ];
        if (_files.Length == 0)
        {
            throw new ImageFormatException(path, $"the folder has no frames ({string.Join(' ', Endings)})");
        }

        if (_files.GroupBy(System.IO.Path.GetFileNameWithoutExtension).FirstOrDefault(group => group.Count() > 1) is { } twin)
        {
            throw new ImageFormatException(path, $"two frames are called {twin.Key}; keep one of them");
        }
    }

    public override int Count => _files.Length;

    public override double? FramesPerSecond => null;

    public override string NameOf(int index) => System.IO.Path.GetFileNameWithoutExtension(_files[index]);

    public override IEnumerable<PixelImage> Frames(int first = 0) => _files.Skip(first).Select(file => ImageDecoder.Load(file, Upright));
}
