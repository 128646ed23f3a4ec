using DinoSharp.Tests;

namespace DinoSharp.Checkpoints.Tests;

/// <summary>Real files, cut short at many places and with single bits turned over.</summary>
public sealed class DamagedFileTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Theory]
    [InlineData("vit/container.pth", 37)]
    [InlineData("vit/container-legacy.pth", 17)]
    [InlineData("vit/container.safetensors", 11)]
    [InlineData("vit/weights.pth", 20011)]
    public void A_file_cut_short_is_refused_wherever_it_ends(string file, int step)
    {
        byte[] whole = File.ReadAllBytes(TestFolder.Fixture(file));
        foreach (int length in Enumerable.Range(0, whole.Length / step).Select(i => i * step).Append(whole.Length - 1))
        {
            string path = _folder.Write("cut" + Path.GetExtension(file), whole[..length]);
            Assert.True(Refused.OrRead(path, () => Read(path)) is null, $"the first {length} bytes were taken for a whole file");
        }
    }

    [Fact]
    public void A_turned_bit_in_a_zip_file_is_refused_or_makes_no_difference()
    {
        string fixture = TestFolder.Fixture("vit/container.pth");
        object? original = TorchFile.Read(fixture);
        int refused = 0;
        foreach (string path in TurnedBits(fixture, step: 5))
        {
            if (Refused.OrRead(path, () => TorchFile.Read(path)) is { } read)
            {
                Expected.AssertSame(original, read);
            }
            else
            {
                refused++;
            }
        }

        // Checksums cover all that is read; the rest is dates, padding and entries for other programs.
        Assert.InRange(refused, 500, 1170);
    }

    [Theory]
    [InlineData("vit/container-legacy.pth")]
    [InlineData("vit/container.safetensors")]
    [InlineData("hf/vit/config.json")]
    public void A_turned_bit_where_nothing_has_checksums_never_does_more_than_change_a_value(string file)
    {
        string model = _folder.Write("model.safetensors", File.ReadAllBytes(TestFolder.Fixture("hf/vit/model.safetensors")));
        foreach (string path in TurnedBits(TestFolder.Fixture(file), step: 3))
        {
            Refused.OrRead(path, () => path.EndsWith(".json", StringComparison.Ordinal) ? WeightsFile.Open(model) : Read(path));
        }
    }

    public void Dispose() => _folder.Dispose();

    private static object? Read(string path) => path.EndsWith(".safetensors", StringComparison.Ordinal)
        ? SafetensorsFile.Read(path)
        : TorchFile.Read(path);

    /// <summary>The file again and again under its own name, each time with another bit turned.</summary>
    private IEnumerable<string> TurnedBits(string file, int step)
    {
        byte[] bytes = File.ReadAllBytes(file);
        for (int i = 0; i < bytes.Length; i += step)
        {
            byte turned = (byte)(1 << (i / step % 8));
            bytes[i] ^= turned;
            yield return _folder.Write(Path.GetFileName(file), bytes);
            bytes[i] ^= turned;
        }
    }
}
