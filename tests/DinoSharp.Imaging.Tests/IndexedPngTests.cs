using System.Buffers.Binary;
using System.IO.Hashing;

namespace DinoSharp.Imaging.Tests;

public class IndexedPngTests
{
    [Theory]
    [InlineData("palette1", 2, 9)]
    [InlineData("palette2", 4, 9)]
    [InlineData("palette4", 16, 9)]
    [InlineData("palette8", 256, 9)]
    [InlineData("filters", 256, 20)] // grey, every filter, data in two chunks
    public void The_numbers_of_a_file_are_read(string name, int numbers, int height)
    {
        IndexedImage image = IndexedPng.Load(Fixture.PathOf($"indexed/{name}.png"));

        Assert.Equal((13, height, numbers), (image.Width, image.Height, image.Palette.Length));
        for (int y = 0, at = 0; y < height; y++)
        {
            for (int x = 0; x < 13; x++, at++)
            {
                Assert.Equal((x * 3 + y * 5 + x * y) % numbers, image.Indices[at]);
            }
        }

        Assert.Equal(name == "filters" ? new PixelColor(1, 1, 1) : new PixelColor(37, 91, 13), image.Palette[1]);
    }

    [Fact]
    public void What_is_written_is_read_again_with_the_colours_of_DAVIS()
    {
        byte[] indices = new byte[31 * 17];
        new Random(1).NextBytes(indices);
        byte[] file = IndexedPng.Encode(new IndexedImage(31, 17, indices));

        IndexedImage image = IndexedPng.Decode(file, "written");
        Assert.Equal(indices, image.Indices);
        Assert.Equal(IndexedImage.DavisPalette, image.Palette.ToArray());
        PixelColor[] known = [new(0, 0, 0), new(128, 0, 0), new(0, 128, 0), new(128, 128, 0), new(0, 0, 128), new(128, 0, 128)];
        Assert.Equal(known, image.Palette[..6].ToArray());
        Assert.Equal([new(191, 0, 0), new(22, 22, 22)], new[] { image.Palette[9], image.Palette[22] });

        using PixelImage colours = ImageDecoder.Decode(file, "written"); // another decoder
        for (int i = 0; i < indices.Length; i++)
        {
            PixelColor colour = image.Palette[indices[i]];
            Assert.Equal([colour.Red, colour.Green, colour.Blue], colours.Pixels.Slice(3 * i, 3).ToArray());
        }
    }

    [Fact]
    public void Damage_and_other_kinds_of_files_are_one_line_that_names_the_file()
    {
        foreach (string name in new[] { "palette2", "filters" })
        {
            byte[] file = Fixture.Bytes($"indexed/{name}.png");
            for (int length = 0; length < file.Length; length++)
            {
                Refused(file[..length]);
            }

            for (int at = 0; at < file.Length; at++)
            {
                byte[] damaged = [.. file];
                damaged[at] ^= 0x55;
                Refused(damaged);
            }
        }

        Assert.Contains("holds colours", Refused(Fixture.Bytes("formats/rgb.png")), StringComparison.Ordinal);
        Assert.Contains("truncated", Refused(WithHeader(0, 12_000)), StringComparison.Ordinal); // of so few bytes
        Assert.Contains("are allowed", Refused(WithHeader(0, 2_000_000_000)), StringComparison.Ordinal);
        Assert.Contains("interlaced", Refused(WithHeader(9, 1)), StringComparison.Ordinal); // the last byte of the number
    }

    /// <summary>A file whose header has another number at a place, and a right checksum.</summary>
    private static byte[] WithHeader(int at, int number)
    {
        byte[] file = Fixture.Bytes("indexed/palette8.png");
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(16 + at), number);
        (file[24], file[25], file[26], file[27]) = (8, 3, 0, 0);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(29), Crc32.HashToUInt32(file.AsSpan(12, 17)));
        return file;
    }

    private static string Refused(byte[] file)
    {
        string message = Assert.Throws<ImageFormatException>(() => IndexedPng.Decode(file, "mask.png")).Message;
        Assert.StartsWith("mask.png: ", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
        return message;
    }
}
