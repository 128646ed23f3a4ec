using System.Buffers.Binary;
using DinoSharp.Imaging;
using DinoSharp.Tests;
using Parquet;

namespace DinoSharp.Data.Tests;

public sealed class SourceParquetTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(CompressionMethod.None)]
    [InlineData(CompressionMethod.Snappy)]
    [InlineData(CompressionMethod.Gzip)]
    [InlineData(CompressionMethod.Zstd)]
    public void Rows_are_images_with_the_classes_that_the_metadata_name(CompressionMethod compression)
    {
        string path = _folder.Write("a.parquet", ImageArchives.Parquet(Rows(11), ["ant", "bee", "cow", "dog"], compression: compression));
        using IImageSource source = ImageSources.Open(path);
        Assert.Equal(["ant", "bee", "cow", "dog"], source.Classes);
        Assert.Equal((11, "a.parquet#5 p5.png", 1), (source.Count, source.NameOf(5), source.LabelOf(5)));
        Assert.Equal([0, 4, 8], ((IStreamedSource)source).RunStarts);
        Assert.Equal(Noise(5), SourceChecks.Pixels(source, 5));
        SourceChecks.AssertReadsAlike(source, isStreamed: true);
    }

    [Fact]
    public void What_the_library_of_datasets_writes_is_read()
    {
        // Written by Arrow's C++ library, which is pyarrow's, with dictionaries: row i has the noise of seed i % 5, and rows 7 and 8 of each
        // group of 10 have none, one for want of bytes and one for want of the struct.
        using IImageSource source = ImageSources.Open(TestFolder.Fixture("arrow.parquet"));
        Assert.Equal((20, "arrow.parquet#13 p13.jpg", "b"), (source.Count, source.NameOf(13), source.Classes[source.LabelOf(14)]));
        Assert.Equal([0, 10], ((IStreamedSource)source).RunStarts);
        for (int i = 0; i < source.Count; i++)
        {
            if (i % 10 is 7 or 8)
            {
                Assert.Contains("it is null", Assert.Throws<ImageFormatException>(() => source.Load(i, new())).Message);
            }
            else
            {
                Assert.Equal(Noise(i % 5), SourceChecks.Pixels(source, i));
            }
        }
    }

    [Fact]
    public void A_row_without_an_image_or_with_garbage_is_named_and_the_others_are_read()
    {
        (string?, byte[]?, long)[] rows = Rows(6);
        rows[1] = (null, null, 0);
        rows[4] = ("x\ny", "garbage"u8.ToArray(), 0);
        using IImageSource source = ImageSources.Open(_folder.Write("a.parquet", ImageArchives.Parquet(rows)));
        Assert.StartsWith("a.parquet#1: the row has no image", Assert.Throws<ImageFormatException>(() => source.Load(1, new())).Message);
        Assert.StartsWith("a.parquet#4: ", Assert.Throws<ImageFormatException>(() => source.Load(4, new())).Message);
        Assert.Equal(Noise(2), SourceChecks.Pixels(source, 2));
        using IRunReader reader = ((IStreamedSource)source).OpenRun(0);
        Assert.StartsWith("a.parquet#1: ", Assert.Throws<ImageFormatException>(() => reader.Read(1)).Message);
        using PixelImage last = reader.Read(3).Decode(new());
        Assert.Equal(Noise(3), last.Pixels.ToArray());
    }

    [Fact]
    public void Plain_bytes_repeated_values_and_texts_for_labels_are_read()
    {
        // Of few values, each many times, the writer makes dictionaries.
        (byte[], string)[] rows = [.. Enumerable.Range(0, 40).Select(i => (TestFolder.Png(i % 2, 8, 8), i % 2 == 0 ? "owl" : "cat"))];
        using IImageSource source = ImageSources.Open(_folder.Write("a.parquet", ImageArchives.PlainParquet("jpg", rows)));
        Assert.Equal(["cat", "owl"], source.Classes);
        Assert.Equal(("a.parquet#3", 0, 1), (source.NameOf(3), source.LabelOf(3), source.LabelOf(4)));
        Assert.Equal(Noise(1), SourceChecks.Pixels(source, 39));
        SourceChecks.AssertReadsAlike(source, isStreamed: true);
    }

    [Fact]
    public void Labels_without_names_are_numbers_and_missing_ones_make_a_set_without_classes()
    {
        using IImageSource numbers = ImageSources.Open(_folder.Write("a.parquet", ImageArchives.Parquet(Rows(4))));
        Assert.Equal(["0", "1", "2", "3"], numbers.Classes);
        using IImageSource short1 = ImageSources.Open(_folder.Write("b.parquet", ImageArchives.Parquet(Rows(4), ["ant"])));
        Assert.Equal(["0", "1", "2", "3"], short1.Classes);
        (string?, byte[]?, long)[] rows = Rows(4);
        rows[2].Item3 = -1;
        using IImageSource some = ImageSources.Open(_folder.Write("c.parquet", ImageArchives.Parquet(rows, ["ant", "bee", "cow", "dog"])));
        Assert.Equal((0, -1), (some.Classes.Count, some.LabelOf(0)));
        Assert.Contains("not all of its 4 images have a class", Assert.Single(some.Notices));
    }

    [Fact]
    public void Files_of_a_folder_are_joined_and_their_names_tell_the_split()
    {
        _folder.Write("README.md", []);
        _folder.Write("data/train-00000-of-00002.parquet", ImageArchives.Parquet(Rows(3), ["ant", "bee", "cow", "dog"]));
        _folder.Write("data/train-00001-of-00002.parquet", ImageArchives.Parquet(Rows(2), ["ant", "bee", "cow", "dog"]));
        _folder.Write("data/test-00000-of-00001.parquet", ImageArchives.Parquet(Rows(1), ["ant", "bee", "cow", "dog"]));
        using IImageSource train = ImageSources.Open(_folder.Path), test = ImageSources.Open(_folder.Path, "test");
        Assert.Equal((5, "data/train-00001-of-00002.parquet#1 p1.png"), (train.Count, train.NameOf(4)));
        Assert.Equal(1, test.Count);
        using IImageSource braces = ImageSources.Open(_folder.Path + "/data/train-0000{0,1}-of-00002.parquet");
        Assert.Equal(5, braces.Count);
        SourceChecks.AssertRefused(_folder.Path, "no", "val");
        SourceChecks.AssertRefused(_folder.Path + "/data/train-0000{0,7}-of-00002.parquet", "train-00007-of-00002.parquet");
        using HeldOut sets = HeldOut.Open(_folder.Path);
        Assert.Equal((5, 1), (sets.Train.Count, sets.Test.Count));
    }

    [Fact]
    public void Going_through_a_table_image_by_image_reads_each_row_group_once()
    {
        string path = _folder.Write("a.parquet", ImageArchives.Parquet(Rows(40)));
        int opened = 0;
        using RecentGroups groups = new(group =>
        {
            Interlocked.Increment(ref opened);
            return new ParquetGroup(path, group);
        });
        int next = -1;
        Thread[] threads = [.. Enumerable.Range(0, 3).Select(_ => new Thread(() =>
        {
            while (Interlocked.Increment(ref next) is < 40 and int row)
            {
                groups.Read(row / 4, row % 4, $"{row}").Dispose();
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.InRange(opened, 10, 15); // a thread that was held up may come back for a group that was let go
    }

    [Fact]
    public void A_table_that_changes_while_it_is_used_is_an_error_of_each_image()
    {
        string path = _folder.Write("a.parquet", ImageArchives.Parquet(Rows(8)));
        using IImageSource source = ImageSources.Open(path);
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..500]);
        Assert.StartsWith("a.parquet#6 p6.png: its row group cannot be read", Assert.Throws<ImageFormatException>(() => source.Load(6, new())).Message);
        File.Delete(path);
        Assert.ThrowsAny<IOException>(() => source.Load(2, new()));
    }

    [Fact]
    public void Other_tables_are_refused_and_damage_is_survived()
    {
        SourceChecks.AssertRefused(_folder.Write("a.parquet", "hello"u8.ToArray()), "no table of images");
        SourceChecks.AssertRefused(_folder.Write("b.parquet", ImageArchives.PlainParquet("noise", ([1], "a"))), "no column of images");
        byte[] whole = ImageArchives.Parquet([.. Rows(6).Select(row => (row.Path, (byte[]?)TestFolder.Png(1, 3, 3), row.Label))], ["ant", "bee", "cow", "dog"]);
        SourceChecks.AssertSurvivesDamage(Path.Combine(_folder.Path, "c.parquet"), null, whole, flips: 800, cutEvery: 64, mostBytes: 64 << 20);
    }

    [Fact]
    public void Row_groups_that_are_too_large_are_refused_with_what_to_do()
    {
        byte[] table = ImageArchives.Parquet(Rows(6), rowsInGroup: 6);
        string large = _folder.Write("a.parquet", WithUnpackedSize(table, rows: 6, size: 3L << 30));
        SourceChecks.AssertRefused(large, "row groups of more than 2 GB cannot be read; write it with smaller row groups (row_group_size)");

        (string?, byte[]?, long)[] rows = new (string?, byte[]?, long)[(1 << 20) + 1]; // all but one without an image
        rows[0] = ("0.png", TestFolder.Png(0, 8, 8), 0);
        string high = _folder.Write("b.parquet", ImageArchives.Parquet(rows, rowsInGroup: rows.Length));
        SourceChecks.AssertRefused(high, "row groups of more than 1,048,576 rows cannot be read");
    }

    /// <summary>
    /// The same table with another size in what its directory says of the first column, the images': there the number of values, the size
    /// when it is not compressed and the size as it is follow each other, fields of 64 bits.
    /// </summary>
    private static byte[] WithUnpackedSize(byte[] table, int rows, long size)
    {
        const byte Field = 0x16; // the next one, of 64 bits
        int length = BinaryPrimitives.ReadInt32LittleEndian(table.AsSpan(^8)), footer = table.Length - 8 - length;
        byte[] values = [Field, (byte)(2 * rows), Field];
        int start = footer + table.AsSpan(footer).IndexOf(values) + values.Length, end = start;
        while (table[end++] >= 0x80)
        {
            // a byte of the number that is not its last
        }

        List<byte> number = [];
        for (ulong rest = (ulong)(2 * size); number.Count == 0 || rest > 0; rest >>= 7)
        {
            number.Add((byte)((rest & 0x7f) | (rest >= 0x80 ? 0x80u : 0)));
        }

        byte[] changed = [.. table[..start], .. number, .. table[end..]];
        BinaryPrimitives.WriteInt32LittleEndian(changed.AsSpan(^8), length + number.Count - (end - start));
        return changed;
    }

    private static (string? Path, byte[]? Bytes, long Label)[] Rows(int count) =>
        [.. Enumerable.Range(0, count).Select(i => ((string?)$"p{i}.png", (byte[]?)TestFolder.Png(i, 8, 8), (long)(i % 4)))];

    private static byte[] Noise(int seed)
    {
        using PixelImage image = ImageDecoder.Decode(TestFolder.Png(seed, 8, 8), "expected");
        return image.Pixels.ToArray();
    }
}
