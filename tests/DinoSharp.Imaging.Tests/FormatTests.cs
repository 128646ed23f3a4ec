using System.Text.Json;

namespace DinoSharp.Imaging.Tests;

/// <summary>Every format and its varieties against what Pillow reads in the same file (fixtures/formats/README.md).</summary>
public class FormatTests
{
    private static readonly PixelColor Background = new(200, 30, 90); // that of fixtures/formats/make.py

    private static readonly JsonElement Index = JsonDocument.Parse(Fixture.Bytes("formats/index.json")).RootElement;

    public static TheoryData<string> Files => [.. Index.EnumerateObject().Select(p => p.Name)];

    public static TheoryData<string> Transparent => [.. With("rgba")];

    public static TheoryData<string> Opaque => [.. Files.Select(row => row.Data).Except(With("rgba"))];

    public static TheoryData<string> Turned => [.. With("turned")];

    [Theory]
    [MemberData(nameof(Files))]
    public void Rgb_is_Pillows(string name)
    {
        using PixelImage expected = Expected(name, "rgb");
        Check(name, expected, new DecodeOptions());
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Grey_is_the_luma_of_rgb(string name)
    {
        using PixelImage expected = ChannelConversion.To(Expected(name, "rgb"), 1, name);
        Check(name, expected, new DecodeOptions { Channels = 1 });
    }

    [Theory]
    [MemberData(nameof(Opaque))]
    public void What_has_no_alpha_is_opaque(string name)
    {
        using PixelImage expected = ChannelConversion.To(Expected(name, "rgb"), 4, name);
        Check(name, expected, new DecodeOptions { Channels = 4 });
        Check(name, expected, new DecodeOptions { Channels = 4, Background = Background });
    }

    [Theory]
    [MemberData(nameof(Transparent))]
    public void Rgba_is_Pillows(string name)
    {
        using PixelImage fourTimesAsWide = Expected(name, "rgba", channels: 1);
        using PixelImage expected = new(fourTimesAsWide.Width / 4, fourTimesAsWide.Height, 4);
        fourTimesAsWide.Pixels.CopyTo(expected.Pixels);
        if (name.EndsWith(".gif", StringComparison.Ordinal))
        {
            // Pillow keeps the transparent entry of the palette as the colour under it; here it is black.
            Span<byte> pixels = expected.Pixels;
            for (int at = 0; at < pixels.Length; at += 4)
            {
                if (pixels[at + 3] == 0)
                {
                    pixels.Slice(at, 4).Clear();
                }
            }
        }

        Check(name, expected, new DecodeOptions { Channels = 4 });
    }

    [Theory]
    [MemberData(nameof(Transparent))]
    public void A_background_shows_through_as_in_Pillow(string name)
    {
        using PixelImage expected = Expected(name, "over");
        Check(name, expected, new DecodeOptions { Background = Background });
        using PixelImage opaque = ChannelConversion.To(Expected(name, "over"), 4, name);
        Check(name, opaque, new DecodeOptions { Channels = 4, Background = Background });
    }

    [Theory]
    [MemberData(nameof(Turned))]
    public void Exif_orientation_is_applied_as_in_Pillow(string name)
    {
        using PixelImage expected = Expected(name, "turned");
        Check(name, expected, new DecodeOptions { ApplyOrientation = true });
    }

    /// <summary>Of images from the air it is often infrared. Pillow puts 255 in its place.</summary>
    [Fact]
    public void A_fourth_channel_that_is_not_declared_alpha_is_kept()
    {
        byte[] encoded = Fixture.Bytes("formats/rgba-associated.tif");
        ReadOnlySpan<byte> extraSamples = [0x52, 1, 3, 0, 1, 0, 0, 0]; // tag 338: one number of 16 bits
        int at = encoded.AsSpan().IndexOf(extraSamples) + extraSamples.Length;
        Assert.Equal(1, encoded[at]);
        encoded[at] = 0; // from associated alpha to nothing in particular
        DecodeOptions options = new() { Channels = 4, Background = Background };
        using PixelImage image = ImageDecoder.Decode(encoded, "four channels", options);
        int pixels = encoded.AsSpan().IndexOf(image.Pixels); // the file is not compressed
        Assert.True(pixels > 0);
    }

    /// <summary>By either codec, where there are two.</summary>
    private static void Check(string name, PixelImage expected, DecodeOptions options)
    {
        foreach (bool turbo in (bool[])[true, false])
        {
            using PixelImage actual = ImageDecoder.Decode(Fixture.Bytes("formats/" + name), name, options, turbo);
            Fixture.AssertSame(expected, actual, name);
        }
    }

    private static IEnumerable<string> With(string what) =>
        Index.EnumerateObject().Where(p => p.Value.TryGetProperty(what, out _)).Select(p => p.Name);

    private static PixelImage Expected(string name, string what, int channels = 3) => ImageDecoder.Load(
        Fixture.PathOf("formats/" + Index.GetProperty(name).GetProperty(what).GetString()), new DecodeOptions { Channels = channels });
}
