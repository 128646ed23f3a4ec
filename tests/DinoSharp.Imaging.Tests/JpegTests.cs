namespace DinoSharp.Imaging.Tests;

/// <summary>That the two JPEG codecs cannot be told apart by what they give, and that each is used where it should be.</summary>
public class JpegTests
{
    public static TheoryData<string> Plain => [.. PlainFiles];

    private static readonly string[] PlainFiles =
    [
        "baseline-420.jpg", "baseline-422.jpg", "baseline-444.jpg", "progressive-420.jpg", "progressive-422.jpg", "progressive-444.jpg",
        "grey.jpg", "grey-progressive.jpg", "rgb-space.jpg", "orientation-6.jpg", "turbo-440.jpg", "turbo-411.jpg", "turbo-noise-worst.jpg",
        "turbo-noise-best.jpg",
    ];

    [Theory]
    [MemberData(nameof(Plain))]
    public void TurboJpeg_decodes_plain_files_itself(string name)
    {
        Assert.SkipUnless(TurboJpeg.LibraryName is not null, "TurboJPEG is not installed here.");
        byte[] encoded = Fixture.Bytes("formats/" + name);
        JpegHeader header = JpegHeader.Read(encoded);
        Assert.True(header.IsPlain);
        using PixelImage? image = TurboJpeg.TryDecode(encoded, name, header, new DecodeOptions(), ImageOrientation.Upright);
        Assert.NotNull(image);
    }

    [Fact]
    public void Nothing_of_a_file_stays_behind_for_the_next()
    {
        Assert.SkipUnless(TurboJpeg.LibraryName is not null, "TurboJPEG is not installed here.");
        byte[] encoded = Fixture.Bytes("formats/baseline-420.jpg");
        JpegHeader header = JpegHeader.Read(encoded);
        byte[] withoutTables = [.. encoded], badTable = [.. encoded], truncated = encoded[..^100];
        withoutTables[encoded.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xDB]) + 1] = 0xE3; // no quantisation any more
        badTable[encoded.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC4]) + 4] = 0x55; // a Huffman table that there is none of
        foreach (byte[] damaged in (byte[][])[withoutTables, badTable, truncated])
        {
            Assert.Null(TurboJpeg.TryDecode(damaged, "damaged", header, new DecodeOptions(), ImageOrientation.Upright));
            using PixelImage? next = TurboJpeg.TryDecode(encoded, "sound", header, new DecodeOptions(), ImageOrientation.Upright);
            Assert.NotNull(next);
        }
    }

    [Theory]
    [InlineData("cmyk-adobe.jpg")]
    [InlineData("cmyk-bare.jpg")]
    [InlineData("ycck.jpg")]
    public void Four_components_are_left_to_Skia(string name) => Assert.False(JpegHeader.Read(Fixture.Bytes("formats/" + name)).IsPlain);

    [Fact]
    public void What_depends_on_how_a_library_was_built_is_left_to_Skia()
    {
        byte[] encoded = Fixture.Bytes("formats/baseline-420.jpg");
        int frame = encoded.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
        foreach (byte marker in (byte[])[0xC3, 0xC9, 0xCA]) // lossless; arithmetic coding, sequential and progressive
        {
            encoded[frame + 1] = marker;
            Assert.False(JpegHeader.Read(encoded).IsPlain);
        }

        encoded[frame + 1] = 0xC0;
        Assert.True(JpegHeader.Read(encoded).IsPlain);
        encoded[frame + 4] = 12; // bits a sample
        Assert.False(JpegHeader.Read(encoded).IsPlain);
    }

    [Fact]
    public void The_codec_can_be_named() =>
        Assert.StartsWith(TurboJpeg.LibraryName is null ? "SkiaSharp" : "TurboJPEG (", ImageDecoder.JpegCodec, StringComparison.Ordinal);

    [Theory]
    [MemberData(nameof(Plain))]
    public void Both_codecs_reduce_alike(string name)
    {
        byte[] encoded = Fixture.Bytes("formats/" + name);
        foreach (int channels in (int[])[1, 3, 4])
        {
            using PixelImage whole = ImageDecoder.Decode(encoded, name, new DecodeOptions { Channels = channels });
            foreach (int divisor in (int[])[1, 2, 4, 8])
            {
                DecodeOptions options = new() { Channels = channels, Reduction = (_, _) => divisor };
                using PixelImage first = ImageDecoder.Decode(encoded, name, options);
                using PixelImage second = ImageDecoder.Decode(encoded, name, options, useTurbo: false);
                Assert.Equal(((whole.Width + divisor - 1) / divisor, (whole.Height + divisor - 1) / divisor), (first.Width, first.Height));
                Fixture.AssertSame(first, second, $"{name} at 1/{divisor}");
                if (channels == 1)
                {
                    AssertIsMean(whole, first, divisor);
                }
            }
        }
    }

    [Fact]
    public void Reduction_is_asked_for_the_size_of_the_turned_picture()
    {
        byte[] encoded = Fixture.Bytes("formats/orientation-6.jpg");
        foreach (bool turbo in (bool[])[true, false])
        {
            (int Width, int Height) asked = default;
            DecodeOptions options = new()
            {
                ApplyOrientation = true,
                Reduction = (width, height) =>
                {
                    asked = (width, height);
                    return 2;
                },
            };
            using PixelImage image = ImageDecoder.Decode(encoded, "turned", options, turbo);
            Assert.Equal((30, 45), asked);
            Assert.Equal((15, 23), (image.Width, image.Height));
        }
    }

    [Fact]
    public void Reduction_by_another_number_is_an_error_of_the_caller()
    {
        DecodeOptions options = new() { Reduction = (_, _) => 3 };
        foreach (bool turbo in (bool[])[true, false])
        {
            Assert.Throws<InvalidOperationException>(() => ImageDecoder.Decode(Fixture.Bytes("formats/grey.jpg"), "grey", options, turbo));
        }
    }

    [Theory]
    [InlineData("rgb.png")]
    [InlineData("lossy.webp")]
    [InlineData("rgb.tif")]
    public void Other_formats_are_not_reduced(string name)
    {
        DecodeOptions options = new() { Reduction = (_, _) => 2 };
        using PixelImage image = ImageDecoder.Load(Fixture.PathOf("formats/" + name), options);
        Assert.Equal((45, 30), (image.Width, image.Height));
    }

    [Fact]
    public void Orientation_is_ignored_unless_asked_for()
    {
        using PixelImage image = ImageDecoder.Load(Fixture.PathOf("formats/orientation-6.jpg"));
        Assert.Equal((45, 30), (image.Width, image.Height));
    }

    [Fact]
    public void Too_large_a_picture_is_refused_alike()
    {
        DecodeOptions options = new() { MaxPixels = 45 * 30 - 1 };
        byte[] encoded = Fixture.Bytes("formats/baseline-420.jpg");
        string[] messages = [.. ((bool[])[true, false]).Select(turbo =>
            Assert.Throws<ImageFormatException>(() => ImageDecoder.Decode(encoded, "large", options, turbo)).Message)];
        Assert.Equal("large: the image declares 45 x 30 pixels, and 1349 are allowed (MaxPixels)", messages[0]);
        Assert.Equal(messages[0], messages[1]);
    }

    [Fact]
    public void Threads_decode_side_by_side()
    {
        using PixelImage expected = Fixture.Image("formats/baseline-420.jpg");
        byte[] encoded = Fixture.Bytes("formats/baseline-420.jpg");
        Thread[] threads = [.. Enumerable.Range(0, 8).Select(_ => new Thread(() =>
        {
            for (int i = 0; i < 50; i++)
            {
                using PixelImage actual = ImageDecoder.Decode(encoded, "one of many");
                Fixture.AssertSame(expected, actual, "one of many");
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
    }

    /// <summary>
    /// A grey sample of a reduced image is about the mean of the block that it stands for; what high frequencies are left out would add
    /// nothing to it, but clamping does. (Colours are coarser in some files: chroma that is halved in one direction only stays so.)
    /// </summary>
    private static void AssertIsMean(PixelImage whole, PixelImage reduced, int divisor)
    {
        double difference = 0;
        int columns = whole.Width / divisor, rows = whole.Height / divisor;
        for (int y = 0; y < rows; y++)
        {
            for (int x = 0; x < columns; x++)
            {
                int sum = 0;
                for (int i = 0; i < divisor * divisor; i++)
                {
                    sum += whole.Pixels[(y * divisor + i / divisor) * whole.Width + x * divisor + i % divisor];
                }

                difference += Math.Abs((double)sum / (divisor * divisor) - reduced.Pixels[y * reduced.Width + x]);
            }
        }

        Assert.InRange(difference / (rows * columns), 0, divisor == 1 ? 0 : 8);
    }
}
