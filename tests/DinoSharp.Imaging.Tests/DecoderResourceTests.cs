using Microsoft.Win32.SafeHandles;

namespace DinoSharp.Imaging.Tests;

/// <summary>What decoding takes from the managed heap, and how files are read.</summary>
public class DecoderResourceTests
{
    [Fact]
    public void TurboJpeg_takes_nothing_but_the_image_object_from_the_heap()
    {
        Assert.SkipUnless(TurboJpeg.LibraryName is not null, "TurboJPEG is not installed here.");
        Assert.InRange(BytesEach("formats/baseline-420.jpg", 3, turbo: true), 1, 48); // 40 on 64 bits
        Assert.InRange(BytesEach("formats/baseline-420.jpg", 1, turbo: true), 1, 48);
        Assert.InRange(BytesEach("formats/grey.jpg", 4, turbo: true), 1, 48);
    }

    [Theory]
    [InlineData("formats/baseline-420.jpg")]
    [InlineData("formats/rgb.png")]
    [InlineData("formats/lossy.webp")]
    public void Skia_takes_its_wrappers_and_the_image_object(string name) => Assert.InRange(BytesEach(name, 3, turbo: false), 1, 512);

    [Fact]
    public void Loading_takes_little_more_than_decoding()
    {
        string path = Fixture.PathOf("formats/baseline-420.jpg");
        Assert.InRange(Measure(() => ImageDecoder.Load(path).Dispose()), 1, 1024); // a file handle, its path for the system, the wrappers
    }

    [Fact]
    public void A_file_that_has_become_shorter_is_refused_by_name()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, [1, 2, 3]);
            using SafeFileHandle file = File.OpenHandle(path);
            byte[] bytes = new byte[3];
            ImageDecoder.ReadAll(file, bytes, path);
            Assert.Equal([1, 2, 3], bytes);
            string message = Assert.Throws<ImageFormatException>(() => ImageDecoder.ReadAll(file, new byte[5], path)).Message;
            Assert.Equal(path + ": the file became shorter while it was read: 3 of 5 bytes are there", message);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_missing_file_and_an_empty_one_are_told_apart()
    {
        string path = Path.GetTempFileName();
        Assert.Equal(path + ": the file is empty", Assert.Throws<ImageFormatException>(() => ImageDecoder.Load(path)).Message);
        File.Delete(path);
        Assert.Throws<FileNotFoundException>(() => ImageDecoder.Load(path));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    public void Png_is_written_without_loss(int channels)
    {
        using PixelImage image = Fixture.Random(13, 7, seed: 5, channels);
        using PixelImage read = ImageDecoder.Decode(PngWriter.Encode(image), "written", new DecodeOptions { Channels = channels });
        Fixture.AssertSame(image, read, "PNG");
    }

    [Fact]
    public void Png_has_no_other_numbers_of_channels()
    {
        using PixelImage image = new(2, 2, 5);
        Assert.Throws<ArgumentException>(() => PngWriter.Encode(image));
    }

    private static double BytesEach(string name, int channels, bool turbo)
    {
        byte[] encoded = Fixture.Bytes(name);
        DecodeOptions options = new() { Channels = channels };
        return Measure(() => ImageDecoder.Decode(encoded, name, options, turbo).Dispose());
    }

    private static double Measure(Action decode)
    {
        const int Times = 200;
        for (int i = 0; i < 20; i++)
        {
            decode(); // fills the pool, and opens the thread's decompressor
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Times; i++)
        {
            decode();
        }

        return (GC.GetAllocatedBytesForCurrentThread() - before) / (double)Times;
    }
}
