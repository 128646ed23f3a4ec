using System.IO.Compression;
using DinoSharp.Tests;

namespace DinoSharp.Checkpoints.Tests;

/// <summary>Files made to do harm: run code, fill memory, exhaust the stack.</summary>
public sealed class HostileTorchFileTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public static TheoryData<string, string> Callables => new()
    {
        { "os", "system" }, { "posix", "system" }, { "nt", "system" }, { "subprocess", "Popen" }, { "builtins", "eval" },
        { "builtins", "exec" }, { "builtins", "getattr" }, { "__builtin__", "eval" }, { "operator", "attrgetter" },
        { "torch", "load" }, { "torch.hub", "load" },
        { "torch._utils", "_import_dotted_name" }, { "collections", "OrderedDict.fromkeys" }, { "argparse", "FileType" },
        { "numpy.core.multiarray", "_reconstruct" }, { "torch", "FloatStorage.from_file" }, { "", "" }, { "os\u001b[2J\r\n", "system" },
    };

    [Theory]
    [MemberData(nameof(Callables))]
    public void A_callable_is_refused_by_name_in_either_format_and_nothing_is_executed(string module, string name)
    {
        string trace = Path.Combine(_folder.Path, "executed");
        byte[] argument = [.. Forged.Text($"touch {trace}"), 0x85];
        byte[] stackGlobal = Forged.Pickle(Forged.Text(module), Forged.Text(name), "\x93", argument, "R");
        byte[] global = Forged.Pickle($"c{module.ReplaceLineEndings("")}\n{name}\n", argument, "R");
        foreach (byte[] pickle in new[] { stackGlobal, global })
        {
            Refuse("nothing in it was executed", Forged.Zip(pickle));
            Refuse("nothing in it was executed", Forged.Legacy(pickle, []));
            Refuse("nothing in it was executed", pickle);
        }

        Assert.False(File.Exists(trace));
    }

    [Theory]
    [InlineData("\x8d\xff\xff\xff\xff\xff\xff\xff\x3f", "ends too early")] // a text of 2^62 bytes
    [InlineData("\x8e\xff\xff\xff\xff\xff\xff\xff\xff", "ends too early")] // -1 bytes
    [InlineData("\x8b\xff\xff\xff\x7f", "ends too early")]
    [InlineData("X\xff\xff\xff\xff", "ends too early")]
    [InlineData("cos", "ends too early")]
    [InlineData("h\0", "refers to what is not there")]
    [InlineData("", "empty stack")]
    [InlineData("t", "empty stack")]
    [InlineData("(((", "mark where an object is needed")]
    [InlineData("Na", "empty stack")]
    [InlineData("NNa", "where one is needed")]
    [InlineData("}(Nu", "key without a value")]
    [InlineData("}NNs", "None as a key")]
    [InlineData(")R", "empty stack")]
    [InlineData("N)R", "where one is needed")]
    [InlineData("NNQ", "where one is needed")]
    [InlineData(")Q", "memory is described in an unknown way")]
    [InlineData("]Nb", "attributes are given")]
    [InlineData("ccollections\nOrderedDict\nN\x85R", "make no sense")]
    [InlineData("ctorch._utils\n_rebuild_tensor_v2\n)R", "make no sense")]
    [InlineData("cnumpy._core.multiarray\nscalar\ncnumpy\ndtype\nU\x02O8\x89\x88\x87RU\x01x\x86R", "make no sense")]
    [InlineData("?1\n", "no instruction")]
    public void Pickles_that_make_no_sense_are_refused(string opcodes, string words) => Refuse(words, Forged.Zip(Forged.Pickle(opcodes)));

    public static TheoryData<string, byte[]> Bombs => new()
    {
        {
            "far more memory",
            Forged.Pickle(Forged.Text(new string('a', 100_000)), "q\0", "c_codecs\nencode\n", "q\x01",
                Repeat(20_000, "h\x01h\0U\x06latin1\x86R"))
        },
        { "far more memory", Forged.Pickle(Items(20_000), "q\0", "cargparse\nNamespace\n", "q\x01", Repeat(20_000, "h\x01)\x81h\0b")) },
        {
            "far more memory",
            Forged.Pickle("](", Repeat(20_000, "K\x01N\x86"), "e", "q\0ccollections\nOrderedDict\n", "q\x01",
                Repeat(20_000, "h\x01h\0\x85R"))
        },
        { "far more memory", Forged.Pickle(Forged.Tensor(0, [1 << 20, 1 << 8], [0, 0])) },
        { "larger than any memory", Forged.Pickle(Forged.Tensor(0, [1L << 62, 4], [0, 0])) },
        { "larger than any memory", Forged.Pickle(Forged.Tensor(0, [2, 2], [long.MaxValue, 1])) },
        { "more dimensions", Forged.Pickle(Forged.Tensor(0, [.. Enumerable.Repeat(1L, 100_000)], [.. Enumerable.Repeat(1L, 100_000)])) },
        { "reaches beyond its memory", Forged.Pickle(Forged.Tensor(1, [4], [1])) },
        { "reaches beyond its memory", Forged.Pickle(Forged.Tensor(0, [2, 2], [3, 1])) },
        { "not possible", Forged.Pickle(Forged.Tensor(-1, [4], [1])) },
        { "not possible", Forged.Pickle(Forged.Tensor(3, [4], [-1])) },
        { "not possible", Forged.Pickle(Forged.Tensor(0, [4], [])) },
        { "not of the size or type", Forged.Pickle(Forged.Tensor(0, [4], [1], count: 5)) },
        { "not of the size or type", Forged.Pickle(Forged.Tensor(0, [4], [1], count: long.MinValue)) },
        { "data/../data.pkl is missing", Forged.Pickle(Forged.Tensor(0, [4], [1], key: "../data.pkl")) },
    };

    [Theory]
    [MemberData(nameof(Bombs), DisableDiscoveryEnumeration = true)]
    public void Small_files_cannot_ask_for_much_memory_or_foreign_memory(string words, byte[] pickle) =>
        Refuse(words, Forged.Zip(pickle, CompressionLevel.NoCompression, ("data/0", new byte[16])));

    [Fact]
    public void Compressed_overlapping_and_overstated_entries_are_refused()
    {
        byte[] tensor = Forged.Pickle(Forged.Tensor(0, [4], [1]));
        Refuse("compressed", Forged.Zip(tensor, CompressionLevel.Optimal, ("data/0", new byte[100 << 20])));

        byte[] all = Forged.Pickle("](", Enumerable.Range(0, 1000).SelectMany(i => Forged.Tensor(0, [4], [1], key: $"{i}")).ToArray(), "e");
        Refuse("larger than the file", Forged.OverlappingZip(all, new byte[1 << 20], 1000));

        byte[] overstated = Forged.OverlappingZip(tensor, new byte[16], 1);
        int record = overstated.AsSpan().LastIndexOf("PK\x1\x2"u8);
        overstated.AsSpan(record + 20, 8).Fill(0x70); // both sizes in the directory: 1.9 GB
        Refuse("larger than the file", overstated);

        _folder.Write("good.pth", Forged.OverlappingZip(tensor, new byte[16], 1));
        Assert.Equal([0f, 0, 0, 0], ((ArrayData)TorchFile.Read(Path.Combine(_folder.Path, "good.pth"))!).ToFloat32());
    }

    [Theory]
    [InlineData(4L, 4L, 16, null)]
    [InlineData(5L, 4L, 16, "not of the size stated")]
    [InlineData(4L, 5L, 16, "not of the size stated")]
    [InlineData(1L << 40, 1L << 40, 16, "not of the size stated")]
    [InlineData(1L << 62, 1L << 62, 16, "not of the size stated")]
    [InlineData(-1L, -1L, 16, "in an unknown way")]
    [InlineData(4L, 4L, 15, "not of the size stated")]
    public void The_older_formats_sizes_are_not_believed(long inPickle, long inFront, int bytes, string? words)
    {
        byte[] front = Forged.Integer(inFront)[2..];
        byte[] tensor = Forged.Pickle(Old(Forged.Tensor(0, [4], [1], inPickle)));
        byte[] file = Forged.Legacy(tensor, [.. Forged.Pickle("](", Forged.Text("0"), "e"), .. front, .. new byte[bytes]]);
        if (words is not null)
        {
            Refuse(words, file);
            return;
        }

        Assert.Equal([0f, 0, 0, 0], ((ArrayData)TorchFile.Read(_folder.Write("good.pth", file))!).ToFloat32());

        // The older id has a sixth element, for views.
        static byte[] Old(byte[] tensor)
        {
            int id = tensor.AsSpan().IndexOf("tQ"u8);
            return [.. tensor[..id], (byte)'N', .. tensor[id..]];
        }
    }

    [Fact]
    public void Deep_and_looping_objects_are_read_without_recursion_and_are_no_network()
    {
        const int depth = 500_000;
        Refuse("no dictionary of tensors", Forged.Zip(Forged.Pickle(new string(']', depth), new string('a', depth - 1))), weights: true);
        Refuse("no dictionary of tensors", Forged.Zip(Forged.Pickle("]q\0h\0a")), weights: true);
        Refuse("'a' is not a tensor", Forged.Zip(Forged.Pickle("}q\0U\x01\x61h\0s")), weights: true);
        Refuse("is not a tensor", Forged.Zip(Forged.Pickle("}q\0U\x05modelh\0s")), weights: true);
    }

    public void Dispose() => _folder.Dispose();

    private void Refuse(string words, byte[] file, bool weights = false)
    {
        string path = _folder.Write("hostile.pth", file);
        Refused.With(words, path, () => weights ? WeightsFile.Open(path) : TorchFile.Read(path));
    }

    private static byte[] Items(int count) =>
        [(byte)'}', (byte)'(', .. Enumerable.Range(0, count).SelectMany(i => (byte[])[.. Forged.Text($"{i}"), (byte)'N']), (byte)'u'];

    private static string Repeat(int count, string opcodes) => string.Concat(Enumerable.Repeat(opcodes, count));
}
