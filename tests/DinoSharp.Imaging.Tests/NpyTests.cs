using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace DinoSharp.Imaging.Tests;

public class NpyTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Bytes_are_samples_in_every_version(byte version)
    {
        byte[] data = Counted(4 * 5 * 3);
        AssertPixels(data, 5, 4, Decode(Npy.File("|u1", "4, 5, 3", data, version: version), 3));
    }

    [Fact]
    public void Files_of_numpy_itself_are_read()
    {
        foreach (string name in (string[])["float-chw-fortran.npy", "uint16-hwc-big-endian.npy"])
        {
            using PixelImage expected = Fixture.Image($"formats/{name}.png");
            using PixelImage actual = Fixture.Image("formats/" + name);
            Fixture.AssertSame(expected, actual, name);
        }
    }

    [Fact]
    public void Channels_may_come_first()
    {
        byte[] planes = Counted(4 * 5 * 3);
        byte[] expected = [.. Enumerable.Range(0, 20).SelectMany(i => (byte[])[planes[i], planes[20 + i], planes[40 + i]])];
        AssertPixels(expected, 5, 4, Decode(Npy.File("|u1", "3, 4, 5", planes), 3));
    }

    [Fact]
    public void Fortran_order_has_the_first_axis_run_fastest()
    {
        // Element (y, x, c) of 2 x 3 x 3 is at y + 2 x + 6 c.
        byte[] data = Counted(18);
        byte[] expected =
        [
            .. from y in Enumerable.Range(0, 2)
               from x in Enumerable.Range(0, 3)
               from c in Enumerable.Range(0, 3)
               select data[y + 2 * x + 6 * c],
        ];
        AssertPixels(expected, 3, 2, Decode(Npy.File("|u1", "2, 3, 3", data, fortranOrder: true), 3));
    }

    [Theory]
    [InlineData("4, 3, 3", 3, 3, 4)] // the last axis where both could be
    [InlineData("3, 4, 3", 3, 4, 3)]
    [InlineData("12, 2, 3", 12, 3, 2)] // the one of the length that is asked for
    [InlineData("2, 3, 12", 12, 3, 2)]
    [InlineData("3, 2, 12", 12, 2, 3)]
    [InlineData("12, 6, 1", 3, 6, 12)] // else one that can be converted, the last first
    [InlineData("1, 6, 12", 3, 12, 6)]
    [InlineData("4, 6, 3", 1, 6, 4)]
    [InlineData("9, 8", 3, 8, 9)]
    public void The_axis_of_the_channels_follows_a_rule(string shape, int channels, int width, int height)
    {
        byte[] data = new byte[shape.Split(", ").Aggregate(1, (product, length) => product * int.Parse(length))];
        using PixelImage image = Decode(Npy.File("|u1", shape, data), channels);
        Assert.Equal((width, height, channels), (image.Width, image.Height, image.Channels));
    }

    [Fact]
    public void Grey_rgb_and_four_channels_are_converted()
    {
        AssertPixels([7, 7, 7, 9, 9, 9], 2, 1, Decode(Npy.File("|u1", "1, 2", [7, 9]), 3));
        AssertPixels([7, 7, 7, 255], 1, 1, Decode(Npy.File("|u1", "1, 1", [7]), 4));
        AssertPixels([Luma.Of(1, 2, 3), Luma.Of(40, 50, 60)], 1, 2, Decode(Npy.File("|u1", "2, 1, 3", [1, 2, 3, 40, 50, 60]), 1));
        AssertPixels([1, 2, 3, 5, 6, 7], 1, 2, Decode(Npy.File("|u1", "2, 1, 4", [1, 2, 3, 4, 5, 6, 7, 8]), 3));
        AssertPixels([1, 2, 3, 255, 4, 5, 6, 255], 1, 2, Decode(Npy.File("|u1", "2, 1, 3", [1, 2, 3, 4, 5, 6]), 4));
        AssertPixels([1, 2, 3, 4], 1, 1, Decode(Npy.File("|u1", "1, 1, 4", [1, 2, 3, 4]), 4));
    }

    [Fact]
    public void Numbers_of_16_bits_are_scaled_in_either_byte_order()
    {
        ushort[] values = [0, 128, 129, 257, 32767, 32896, 65406, 65535];
        byte[] expected = [.. values.Select(v => (byte)Math.Round(v / 257.0))];
        byte[] little = MemoryMarshal.AsBytes<ushort>(values).ToArray();
        byte[] big = MemoryMarshal.AsBytes<ushort>([.. values.Select(BinaryPrimitives.ReverseEndianness)]).ToArray();
        AssertPixels(expected, 4, 2, Decode(Npy.File("<u2", "2, 4", little), 1));
        AssertPixels(expected, 4, 2, Decode(Npy.File(">u2", "2, 4", big), 1));
    }

    [Fact]
    public void Floating_point_is_scaled_rounded_and_clamped()
    {
        float[] values = [0, 1, 0.5f, 0.25f, -0.1f, 1.5f, float.PositiveInfinity, float.NegativeInfinity];
        byte[] expected = [0, 255, 128, 64, 0, 255, 255, 0];
        Check("<f2", MemoryMarshal.AsBytes<Half>([.. values.Select(v => (Half)v)]));
        Check("<f4", MemoryMarshal.AsBytes<float>(values));
        Check("<f8", MemoryMarshal.AsBytes<double>([.. values.Select(v => (double)v)]));
        Check(">f4", MemoryMarshal.AsBytes<uint>([.. values.Select(v => BinaryPrimitives.ReverseEndianness(BitConverter.SingleToUInt32Bits(v)))]));

        void Check(string type, ReadOnlySpan<byte> data) =>
            AssertPixels(expected, 8, 1, Decode(Npy.File(type, "1, 8", data.ToArray()), 1));
    }

    [Fact]
    public void Booleans_are_black_and_white() => AssertPixels([0, 255], 2, 1, Decode(Npy.File("|b1", "1, 2", [0, 1]), 1));

    [Fact]
    public void What_is_no_number_is_refused() =>
        AssertRefused(Npy.File("<f4", "1, 2", MemoryMarshal.AsBytes<float>([0.5f, float.NaN]).ToArray()), "NaN");

    [Theory]
    [InlineData("|i1", 1)]
    [InlineData("<i4", 4)]
    [InlineData("<i8", 8)]
    [InlineData("<c8", 8)]
    [InlineData("|O", 8)]
    [InlineData("<U1", 4)]
    public void Other_elements_are_refused(string type, int size) =>
        AssertRefused(Npy.File(type, "1, 1", new byte[size]), "elements of type " + type);

    [Theory]
    [InlineData("7")]
    [InlineData("")]
    [InlineData("1, 1, 1, 1")]
    public void Other_numbers_of_axes_are_refused(string shape) => AssertRefused(Npy.File("|u1", shape, new byte[7]), "axes");

    [Theory]
    [InlineData("2, 2, 3", 11)]
    [InlineData("2, 2, 3", 13)]
    [InlineData("100, 100, 3", 12)]
    [InlineData("2147483647, 2147483647, 3", 12)]
    [InlineData("2, 2, 0", 0)]
    [InlineData("0, 2, 3", 0)]
    [InlineData("2, 5, 7", 70)]
    public void Sizes_that_do_not_fit_are_refused(string shape, int length) => AssertRefused(Npy.File("|u1", shape, new byte[length]), null);

    [Fact]
    public void Too_many_pixels_are_refused()
    {
        DecodeOptions options = new() { MaxPixels = 3 };
        Assert.Contains(
            "MaxPixels",
            Assert.Throws<ImageFormatException>(() => ImageDecoder.Decode(Npy.File("|u1", "2, 2, 3", new byte[12]), "array", options)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void More_than_an_array_can_hold_is_refused()
    {
        DecodeOptions options = new() { MaxPixels = (1 << 29) - 1 };
        Assert.Contains(
            "2 GB",
            Assert.Throws<ImageFormatException>(() => ImageDecoder.Decode(Npy.File("|u1", "2089, 256999", []), "array", options)).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1)}", true)]
    [InlineData("{\"shape\":(1,1,),\"fortran_order\":False,\"descr\":\"|u1\"}", true)]
    [InlineData("{'descr': '|u1', 'fortran_order': False}", false)]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1), 'more': 1}", false)]
    [InlineData("{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (1, 1)}", false)]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (1, -1)}", false)]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 99999999999)}", false)]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': [1, 1]}", false)]
    [InlineData("{'descr': '|u1', 'fortran_order': 0, 'shape': (1, 1)}", false)]
    [InlineData("{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (1, 1)}", false)]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1)} + {}", false)]
    [InlineData("{'descr': '|u1' 'fortran_order': False, 'shape': (1, 1)}", false)]
    [InlineData("__import__('os').abort()", false)]
    [InlineData("", false)]
    public void The_header_is_parsed_strictly(string header, bool valid)
    {
        byte[] file = Npy.WithHeader(header, [5]);
        if (valid)
        {
            AssertPixels([5], 1, 1, Decode(file, 1));
        }
        else
        {
            AssertRefused(file, "header");
        }
    }

    [Fact]
    public void Unknown_versions_are_refused() => AssertRefused(Npy.File("|u1", "1, 1", [5], version: 4), "version 4.0");

    private static PixelImage Decode(byte[] file, int channels) => ImageDecoder.Decode(file, "array", new DecodeOptions { Channels = channels });

    private static byte[] Counted(int count) => [.. Enumerable.Range(0, count).Select(i => (byte)i)];

    private static void AssertPixels(byte[] expected, int width, int height, PixelImage image)
    {
        using (image)
        {
            Assert.Equal((width, height), (image.Width, image.Height));
            Assert.Equal(expected, image.Pixels.ToArray());
        }
    }

    private static void AssertRefused(byte[] file, string? reason)
    {
        string message = Assert.Throws<ImageFormatException>(() => ImageDecoder.Decode(file, "array", new DecodeOptions())).Message;
        Assert.StartsWith("array: ", message, StringComparison.Ordinal);
        Assert.Contains(reason ?? "", message, StringComparison.Ordinal);
    }
}
