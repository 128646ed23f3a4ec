using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Hashing;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

/// <summary>Whatever is wrong is one line that says what, where, and what to do; nothing that was there is lost.</summary>
public sealed class BadInputTests
{
    /// <summary>What is wrong with the request is found before anything is written.</summary>
    [Theory]
    [InlineData("--lr nothing", "nothing", "--lr", "number")]
    [InlineData("--epochs 1.5", "1.5", "--epochs", "whole number")]
    [InlineData("--epochs 0", "epoch")]
    [InlineData("--global-crops-scale 0.4", "--global-crops-scale")]
    [InlineData("--global-crops-scale 0.4 much", "much", "number")]
    [InlineData("--local-crops-scale 0.4 0.1", "LocalScale")]
    [InlineData("--optimizer adam", "adam", "adamw, sgd, lars")]
    [InlineData("--norm-last-layer perhaps", "perhaps")]
    [InlineData("--arch vit_huge", "vit_huge", "vit_small")]
    [InlineData("--method moco-v9", "moco-v9", "dino")]
    [InlineData("--local-crops-number 0 --student-crops local", "--local-crops-number", "--student-crops all")]
    [InlineData("--local-crops-size 4", "4", "patch of 8", "--local-crops-size")]
    [InlineData("--global-crops-size 4", "4", "patch of 8")]
    [InlineData("--num-heads 5", "5", "24")]
    [InlineData("--batch-size 4 --accumulation-steps 3", "4", "3")]
    [InlineData("--warmup-epochs 9", "9", "2 epochs")]
    [InlineData("--fault-share 2", "2", "--fault-share")]
    [InlineData("--save-minutes 1e300", "--save-minutes")]
    [InlineData("--log-every 0", "0")]
    [InlineData("--device abacus", "abacus", "cpu")]
    public void A_wrong_value_is_a_wrong_request_that_leaves_nothing_behind(string options, params string[] words)
    {
        using TestFolder folder = new();
        string data = TinyTraining.WriteImages(folder, 4), run = Path.Combine(folder.Path, "run");
        Dino.Run(TinyTraining.Arguments(data, run, 2, options.Split(' '))).Failed(2, words);
        Assert.False(Path.Exists(run), "a run folder is left behind");
    }

    [Fact]
    public void Data_that_is_none_is_named()
    {
        using TestFolder folder = new();
        string run = Path.Combine(folder.Path, "run"), empty = Directory.CreateDirectory(Path.Combine(folder.Path, "empty")).FullName;
        Dino.Run(TinyTraining.Arguments(Path.Combine(folder.Path, "missing"), run, 1)).Failed(1, "missing", "no such file or folder");
        Dino.Run(TinyTraining.Arguments(empty, run, 1)).Failed(1, empty, "no images", ".jpg");
        Dino.Run(TinyTraining.Arguments(TinyTraining.WriteImages(folder, 3), run, 1)).Failed(1, "3 images", "batch of 4", "smaller batch");
        Dino.Run(TinyTraining.Arguments(TinyTraining.WriteImages(folder, 4), run, 1, "--split", "night")).Failed(1, "'night'", "even, odd");
        Dino.Run("train", "--out", run).Failed(2, "--data");
        Dino.Run("train", "--data", empty).Failed(2, "--out");
        Assert.False(Path.Exists(run), "a run folder is left behind");
    }

    [Fact]
    public void A_place_that_cannot_be_a_run_folder_is_refused_and_stays_as_it_is()
    {
        using TestFolder folder = new();
        string data = TinyTraining.WriteImages(folder, 4), file = folder.WriteText("notes", "mine");
        Dino.Run(TinyTraining.Arguments(data, file, 1)).Failed(2, file, "--out");
        Dino.Run(TinyTraining.Arguments(data, data, 1)).Failed(2, data, "not a run folder", "--out");
        Dino.Run(TinyTraining.Arguments(data, Path.Combine(file, "run"), 1)).Failed(2, file, "--out");
        Assert.Equal("mine", File.ReadAllText(file));
        Assert.Equal(2, Directory.EnumerateFileSystemEntries(data).Count());
    }

    [Fact]
    public async Task Unusable_images_are_skipped_counted_and_named_and_too_many_end_the_run()
    {
        using TestFolder folder = new();
        string data = TinyTraining.WriteImages(folder, 20), run = Path.Combine(folder.Path, "run");
        byte[] whole = File.ReadAllBytes(Path.Combine(TestFolder.Fixture("images"), "plain.jpg"));
        folder.Write("data/even/truncated.jpg", whole[..(whole.Length * 2 / 3)]);
        folder.Write("data/even/zero.png", []);
        folder.WriteText("data/even/words.jpg", "no image at all");
        folder.Write("data/even/bomb.png", PngOf(60_000, 60_000));
        folder.Write("data/even/dot.png", TestFolder.Png(1, width: 1, height: 1));

        // Sixty thousand squared would be 14 GB of pixels; they are refused by what the header says.
        string[] arguments = TinyTraining.Arguments(data, run, 2, "--fault-share", "0.3");
        using var process = Dino.Start(arguments);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        long memory = Dino.PeakMemory(process);
        Assert.True(process.ExitCode == 0, await error);
        Assert.InRange(memory, 1, 2L << 30);
        Assert.Contains("5 of 25 images could not be used and others took their places", await output, StringComparison.Ordinal);
        Assert.Contains("60000 x 60000", await output, StringComparison.Ordinal);
        foreach (string name in (string[])["truncated.jpg", "zero.png", "words.jpg", "bomb.png", "dot.png"])
        {
            Assert.Contains($"even/{name}: ", await output, StringComparison.Ordinal);
        }

        Dino.Run(TinyTraining.Arguments(data, run + "2", 2, "--fault-share", "0.1")).Failed(1, " of 25 images cannot be used", data);
    }

    [Fact]
    public void A_training_that_diverges_fails_and_leaves_its_last_good_state()
    {
        using TestFolder folder = new();
        string data = TinyTraining.WriteImages(folder, 8), run = Path.Combine(folder.Path, "run");
        Dino.Run(TinyTraining.Arguments(data, run, 50, "--lr", "1e30", "--clip-grad", "0", "--warmup-epochs", "0"))
            .Failed(1, "NaN", "--lr", "--clip-grad");
        Assert.True(File.Exists(Path.Combine(run, "checkpoints", "diverged.pth")));
    }

    [Fact]
    public void A_full_disk_ends_the_run_in_one_line_and_leaves_the_state_before_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "limits on files are the shell's");
        using TestFolder folder = new();
        string data = TinyTraining.WriteImages(folder, 8), run = Path.Combine(folder.Path, "run"), latest = TinyTraining.Latest(run);
        string[] arguments = TinyTraining.Arguments(data, run, 100, "--save-minutes", "0");
        using (var process = Dino.Start(arguments))
        {
            TinyTraining.AwaitSteps(process, run, 3);
            process.Kill();
            process.WaitForExit();
        }

        byte[] before = File.ReadAllBytes(latest);
        // Writing past the limit fails like writing to a full disk does. The runtime's own double mapping of code has no place under it.
        Dino.RunInShell($"trap '' XFSZ; ulimit -f {before.Length / 2048}; export DOTNET_EnableWriteXorExecute=0; exec \"$@\"", arguments)
            .Failed(1, latest, "cannot be written", "intact");
        Assert.Equal(before, File.ReadAllBytes(latest));
        Assert.Equal([latest], Directory.EnumerateFiles(Path.GetDirectoryName(latest)!));
        Dino.Run(TinyTraining.Arguments(data, run, 100, "--save-minutes", "10")).Succeeded();
    }

    /// <summary>A PNG that declares a size and holds next to nothing.</summary>
    private static byte[] PngOf(int width, int height)
    {
        using var file = new MemoryStream();
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);
        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (8, 2);
        Chunk("IHDR"u8, header);
        Chunk("IDAT"u8, [0x78, 0x9C, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01]);
        Chunk("IEND"u8, []);
        return file.ToArray();

        void Chunk(ReadOnlySpan<byte> name, ReadOnlySpan<byte> content)
        {
            Span<byte> number = stackalloc byte[4];
            BinaryPrimitives.WriteInt32BigEndian(number, content.Length);
            file.Write(number);
            byte[] body = [.. name, .. content];
            file.Write(body);
            BinaryPrimitives.WriteUInt32BigEndian(number, Crc32.HashToUInt32(body));
            file.Write(number);
        }
    }
}
