namespace DinoSharp.Imaging.Tests;

/// <summary>Whatever is done to a file, it gives an image or an <see cref="ImageFormatException"/> of one line that names it.</summary>
public class DamageTests
{
    private const string Name = "damaged file";

    // A damaged header may declare any size; the test need not find memory for it.
    private static readonly DecodeOptions Small = new() { MaxPixels = 100_000 };

    private static readonly DecodeOptions[] Variety =
    [
        Small,
        Small with { Channels = 1, ApplyOrientation = true },
        Small with { Channels = 4, Reduction = (_, _) => 2 },
        Small with { Background = new PixelColor(1, 2, 3), Reduction = (_, _) => 8 },
    ];

    public static TheoryData<string> Files =>
    [
        "baseline-420.jpg", "progressive-420.jpg", "grey.jpg", "cmyk-adobe.jpg", "orientation-6.jpg", "rgb.png", "palette-alpha.png",
        "interlaced.png", "lossy.webp", "alpha.webp", "palette.bmp", "key.gif", "rgb-lzw.tif", "rgba.tif", "colours.npy",
    ];

    [Theory]
    [MemberData(nameof(Files))]
    public void A_file_cut_short_is_refused_or_complete(string name)
    {
        byte[] encoded = Encoded(name);
        for (int length = 1; length < encoded.Length; length++)
        {
            Decode(encoded.AsSpan(0, length), name, $"{name} of {length} bytes");
        }

        Assert.NotNull(Decode(encoded.AsSpan(0, encoded.Length * 4 / 5), name, name));
    }

    [Theory]
    [InlineData("baseline-420.jpg")]
    [InlineData("progressive-420.jpg")]
    [InlineData("cmyk-adobe.jpg")]
    [InlineData("rgb.png")]
    [InlineData("rgb.bmp")]
    [InlineData("palette.gif")]
    public void A_file_cut_short_is_called_truncated(string name)
    {
        byte[] encoded = Encoded(name);
        Assert.Equal(Name + ": the file is truncated", Decode(encoded.AsSpan(0, encoded.Length * 9 / 10), name, name));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void A_file_with_wrong_bytes_is_refused_or_read(string name)
    {
        byte[] encoded = Encoded(name);
        Random random = new(2024);
        for (int trial = 0; trial < 1000; trial++)
        {
            byte[] damaged = [.. encoded];
            int wrong = random.Next(1, 5), within = trial % 2 == 0 ? damaged.Length : Math.Min(damaged.Length, 64);
            for (int i = 0; i < wrong; i++)
            {
                damaged[random.Next(within)] = (byte)random.Next(256);
            }

            Decode(damaged, name, $"{name}, trial {trial}", Variety[trial / 2 % Variety.Length]);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("not an image, but enough text that a reader might look at all of it")]
    [InlineData("II*\0")]
    [InlineData("BM")]
    public void What_is_no_image_is_refused(string text)
    {
        byte[] bytes = System.Text.Encoding.ASCII.GetBytes(text);
        Assert.StartsWith(Name + ": ", Assert.Throws<ImageFormatException>(() => ImageDecoder.Decode(bytes, Name)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_channels_than_a_format_has_are_refused()
    {
        DecodeOptions options = new() { Channels = 2 };
        Assert.Throws<ImageFormatException>(() => ImageDecoder.Load(Fixture.PathOf("formats/rgb.png"), options));
    }

    /// <summary>The complaint, or null for an image. Of a JPEG file, whichever codec decodes it.</summary>
    private static string? Decode(ReadOnlySpan<byte> encoded, string name, string what, DecodeOptions? options = null)
    {
        options ??= Small;
        string? complaint = Decode(encoded, what, options, turbo: true, out PixelImage? image);
        if (name.EndsWith(".jpg", StringComparison.Ordinal))
        {
            Assert.Equal(complaint, Decode(encoded, what, options, turbo: false, out PixelImage? other));
            if (image is not null)
            {
                // Not the pixels: wrong bytes that no decoder can tell from right ones may ask for amplitudes beyond what the codecs'
                // arithmetic holds, in vectors and without.
                Assert.Equal((image.Width, image.Height), (other!.Width, other.Height));
            }

            other?.Dispose();
        }

        image?.Dispose();
        return complaint;
    }

    private static string? Decode(ReadOnlySpan<byte> encoded, string what, DecodeOptions options, bool turbo, out PixelImage? image)
    {
        image = null;
        try
        {
            image = ImageDecoder.Decode(encoded, Name, options, turbo);
            return null;
        }
        catch (ImageFormatException complaint)
        {
            Assert.StartsWith(Name + ": ", complaint.Message, StringComparison.Ordinal);
            Assert.False(complaint.Message.AsSpan().ContainsAny('\n', '\r'), what);
            return complaint.Message;
        }
        catch (Exception other)
        {
            throw new InvalidOperationException($"{what} gave another exception", other);
        }
    }

    private static byte[] Encoded(string name) =>
        name == "colours.npy" ? Npy.File("|u1", "6, 5, 3", new byte[90]) : Fixture.Bytes("formats/" + name);
}
