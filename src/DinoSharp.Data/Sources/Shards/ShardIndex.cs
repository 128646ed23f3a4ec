using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace DinoSharp.Data;

/// <summary>
/// The samples of one WebDataset shard, which is a tar archive: files that are alike up to the first dot of their own name are one
/// sample. Its image is the first file with an image's extension, one such as <c>.jpg</c> before one such as <c>.mask.png</c>; its class
/// is the number in <c>.cls</c>, or that of <c>label</c>, <c>class</c> or <c>cls</c> in <c>.json</c>.
/// </summary>
internal sealed class ShardIndex
{
    /// <summary>A class beyond this is no class: ImageNet's largest edition has 21,841, and each takes a name in memory.</summary>
    public const int MaxClasses = 1 << 20;

    /// <summary>Larger notes are not looked into for a class.</summary>
    private const int MaxNote = 1 << 16;

    private static readonly string[] LabelKeys = ["label", "class", "cls"];

    private ShardIndex(NameTable names, long[] offsets, int[] sizes, int[] labels, string[] notices, bool isDamaged)
    {
        (Names, Offsets, Sizes, Labels, Notices, IsDamaged) = (names, offsets, sizes, labels, notices, isDamaged);
    }

    /// <summary>The images, in the order of the archive.</summary>
    public NameTable Names { get; }

    public long[] Offsets { get; }

    /// <summary>Lengths of the images; -1 for one too large for an array.</summary>
    public int[] Sizes { get; }

    /// <summary>The class of each image, -1 for none.</summary>
    public int[] Labels { get; }

    public IReadOnlyList<string> Notices { get; }

    /// <summary>Whether the archive could not be followed to its end.</summary>
    public bool IsDamaged { get; }

    public static ShardIndex Read(string path)
    {
        using SafeFileHandle file = File.OpenHandle(path, options: FileOptions.RandomAccess);
        TarHeaders headers = new(file);
        Dictionary<string, Sample> samples = [];
        NameTable names = new();
        bool notesTell = true;
        while (headers.Next())
        {
            ReadOnlySpan<byte> name = headers.Name;
            int start = name.LastIndexOf((byte)'/') + 1, dot = name[start..].IndexOf((byte)'.');
            if (dot <= 0 || name.StartsWith("__MACOSX/"u8))
            {
                continue; // without an extension, hidden, or macOS's shadow of a file
            }

            string key = Encoding.UTF8.GetString(name[..(start + dot)]);
            if (!samples.TryGetValue(key, out Sample? sample))
            {
                samples[key] = sample = new Sample();
            }

            ReadOnlySpan<byte> extension = name[(start + dot)..];
            if (ImageNames.HasImageExtension(extension))
            {
                bool plain = extension.LastIndexOf((byte)'.') == 0;
                if (sample.Place < 0 || (plain && !sample.IsPlain))
                {
                    (sample.Place, sample.IsPlain) = (names.Count, plain);
                    (sample.Offset, sample.Size) = (headers.Offset, ArchivedBytes.Fitting(headers.Size));
                    names.Add(name);
                }
            }
            else if (extension.SequenceEqual(".cls"u8))
            {
                sample.Label = Number(headers.Peek(headers.Offset, (int)Math.Min(headers.Size, 32)));
            }
            else if (notesTell && extension.SequenceEqual(".json"u8) && sample.Label < 0 && headers.Size <= MaxNote)
            {
                // Classes count only if all samples have one, so after one note without it the others need not be read.
                sample.Label = NumberInNote(headers.Peek(headers.Offset, (int)headers.Size));
                notesTell = sample.Label >= 0;
            }
        }

        Sample[] found = [.. samples.Values.Where(sample => sample.Place >= 0).OrderBy(sample => sample.Offset)];
        return new ShardIndex(
            names.Select(Array.ConvertAll(found, sample => sample.Place)),
            Array.ConvertAll(found, sample => sample.Offset),
            Array.ConvertAll(found, sample => sample.Size),
            Array.ConvertAll(found, sample => sample.Label),
            TarSource.NoticesOf(path, headers),
            headers.Damage is not null);
    }

    private static int Number(ReadOnlySpan<byte> text) =>
        int.TryParse(text.Trim(" \t\r\n\0"u8), NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number < MaxClasses
            ? number
            : -1;

    private static int NumberInNote(ReadOnlySpan<byte> json)
    {
        Utf8JsonReader reader = new(json);
        try
        {
            while (reader.Read())
            {
                if (reader.CurrentDepth == 1 && reader.TokenType == JsonTokenType.PropertyName && LabelKeys.Contains(reader.GetString()))
                {
                    reader.Read();
                    return reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out int number) && number is >= 0 and < MaxClasses
                        ? number
                        : -1;
                }
            }

            return -1;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return -1; // a note that is no JSON tells no class
        }
    }

    private sealed class Sample
    {
        public int Place { get; set; } = -1;

        public bool IsPlain { get; set; }

        public long Offset { get; set; }

        public int Size { get; set; }

        public int Label { get; set; } = -1;
    }
}
