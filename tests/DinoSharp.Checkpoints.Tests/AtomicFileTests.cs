using DinoSharp.Tests;

namespace DinoSharp.Checkpoints.Tests;

public sealed class AtomicFileTests
{
    [Fact]
    public void A_failure_half_way_leaves_the_old_file_and_nothing_beside_it()
    {
        using TestFolder folder = new();
        string path = folder.WriteText("weights.pth", "old");
        var full = Assert.Throws<CheckpointException>(() =>
            AtomicFile.Write(path, stream => WriteThenFail(stream, new IOException("No space left on device."))));
        Assert.Equal($"{path}: cannot be written (No space left on device); the file that was there before is intact", full.Message);
        Assert.Throws<InvalidOperationException>(() =>
            AtomicFile.Write(path, stream => WriteThenFail(stream, new InvalidOperationException())));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.EnumerateFiles(folder.Path));
    }

    [Fact]
    public void A_place_that_cannot_be_written_is_named()
    {
        using TestFolder folder = new();
        string file = folder.WriteText("file", "x"), missing = Path.Combine(folder.Path, "missing", "weights.pth");
        foreach (string path in new[] { Path.Combine(file, "weights.pth"), missing, folder.Path })
        {
            Assert.StartsWith($"{path}: cannot be written",
                Assert.Throws<CheckpointException>(() => AtomicFile.Write(path, s => s.WriteByte(1))).Message, StringComparison.Ordinal);
        }

        Assert.Equal([file], Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_leftover_of_a_killed_write_is_no_hindrance_and_the_new_file_replaces_the_old()
    {
        using TestFolder folder = new();
        string path = folder.WriteText("weights.pth", "old and longer");
        folder.WriteText("weights.pth.partial", "half of something");
        AtomicFile.Write(path, stream => stream.Write("new"u8));
        Assert.Equal("new", File.ReadAllText(path));
        Assert.Equal([path], Directory.EnumerateFiles(folder.Path));
    }

    private static void WriteThenFail(Stream stream, Exception error)
    {
        stream.Write("half"u8);
        throw error;
    }
}
