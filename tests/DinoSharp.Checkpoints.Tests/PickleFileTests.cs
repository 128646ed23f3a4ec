using System.Buffers.Binary;
using DinoSharp.Tests;

namespace DinoSharp.Checkpoints.Tests;

public sealed class PickleFileTests : IDisposable
{
    private readonly TestFolder _folder = new();

    /// <summary>Python 2 wrote an array's bytes as a text, whatever they were.</summary>
    [Theory]
    [InlineData(200)] // no UTF-8
    [InlineData(0xA9C3)] // é in UTF-8
    [InlineData(0xAC82E2)] // € in UTF-8
    [InlineData(1)]
    [InlineData(-1)]
    public void An_array_of_Python_2_has_the_numbers_it_was_written_with(long number)
    {
        byte[] bytes = new byte[2 * sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(sizeof(long)), 7);
        byte[][] texts = [[(byte)'U', (byte)bytes.Length, .. bytes], [(byte)'T', (byte)bytes.Length, 0, 0, 0, .. bytes]];
        foreach (byte[] text in texts)
        {
            PickledArray array = Assert.IsType<PickledArray>(PickleFile.Read(_folder.Write("array.pkl", ArrayOf(text))));
            Assert.Equal([number, 7], array.Data.ToInt64());
        }
    }

    [Fact]
    public void A_text_of_Python_2_is_read_as_UTF_8_where_it_is_that()
    {
        byte[] pickle = Forged.Pickle("]", "U\u0002\u00c3\u00a9", "a", "U\u0001\u00e9", "a"); // é twice
        Assert.Equal(new List<object?> { "é", "é" }, PickleFile.Read(_folder.Write("texts.pkl", pickle)));
    }

    [Fact]
    public void Letters_that_are_no_bytes_are_no_numbers()
    {
        string path = _folder.Write("array.pkl", ArrayOf(Forged.Text(new string('€', 2 * sizeof(long)))));
        Refused.With("takes 16 bytes", path, () => PickleFile.Read(path));
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Two numbers of 64 bits.</summary>
    private static byte[] ArrayOf(byte[] elements) => Forged.Pickle(
        "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\u0085U\u0001b\u0087R",
        "(K\u0001K\u0002\u0085cnumpy\ndtype\nU\u0002i8K\0K\u0001\u0087R",
        "(K\u0003U\u0001<NNNJ\u00ff\u00ff\u00ff\u00ffJ\u00ff\u00ff\u00ff\u00ffK\0tb\u0089",
        elements,
        "tb");
}
