using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using DinoSharp.Checkpoints;
using DinoSharp.Evaluation.Features;

namespace DinoSharp.Evaluation.Tests.Features;

public sealed class FeatureTableTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("features-").FullName;

    private readonly FeatureTable _table = new(
        ["cats/a.png", "dogs/b, \"two\".png", "später/c.png"], [0, 1, -1], ["cats", "dogs"],
        [0.1f, -1e-20f, 3, float.MaxValue, 1f / 3, 0], 2);

    [Fact]
    public void Npy_has_numpys_header_and_the_same_bits()
    {
        string path = Save(".npy");
        byte[] file = File.ReadAllBytes(path);
        Assert.Equal("\u0093NUMPY\u0001\0", Encoding.Latin1.GetString(file, 0, 8));
        int dataStart = 10 + BitConverter.ToUInt16(file, 8);
        Assert.Equal(0, dataStart % 64);
        string header = Encoding.ASCII.GetString(file, 10, dataStart - 10);
        Assert.Equal("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }", header.TrimEnd());
        Assert.Equal((byte)'\n', file[dataStart - 1]);
        Assert.Equal(_table.Values, MemoryMarshal.Cast<byte, float>(file.AsSpan(dataStart)).ToArray());
        Assert.Equal(
            ["path,label,class", "cats/a.png,0,cats", "\"dogs/b, \"\"two\"\".png\",1,dogs", "später/c.png,,"],
            File.ReadAllLines(Path.ChangeExtension(path, ".paths.csv")));
    }

    [Fact]
    public void Csv_reads_back_to_the_same_floats_in_any_culture()
    {
        var culture = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo("") { NumberFormat = { NumberDecimalSeparator = ",", NegativeSign = "~" } };
            string[] lines = File.ReadAllLines(Save(".csv"));
            Assert.Equal("path,label,f0,f1", lines[0]);
            var values = lines.Skip(1).SelectMany(l => l.Split(',')[^2..]).Select(v => float.Parse(v, CultureInfo.InvariantCulture));
            Assert.Equal(_table.Values, values);
            Assert.StartsWith("später/c.png,,", lines[3], StringComparison.Ordinal);
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    [Fact]
    public void Safetensors_holds_features_labels_names_and_classes()
    {
        var arrays = SafetensorsFile.Read(Save(".safetensors"), out var metadata);
        Assert.Equal([3, 2], arrays["features"].Shape);
        Assert.Equal(_table.Values, arrays["features"].ToFloat32());
        Assert.Equal(_table.Labels, arrays["labels"].ToInt64());
        Assert.Equal(_table.Names, JsonSerializer.Deserialize<string[]>(metadata["names"]));
        Assert.Equal(_table.Classes, JsonSerializer.Deserialize<string[]>(metadata["classes"]));
    }

    [Fact]
    public void A_set_without_labels_has_none_in_any_format()
    {
        FeatureTable unlabelled = new(["a.png"], [], [], [1, 2], 2);
        unlabelled.Save(In("u.safetensors"));
        unlabelled.Save(In("u.csv"));
        Assert.Equal(["features"], SafetensorsFile.Read(In("u.safetensors")).Names);
        Assert.Equal("a.png,,1,2", File.ReadAllLines(In("u.csv"))[1]);
    }

    [Fact]
    public void An_unknown_ending_is_refused_in_one_line_and_nothing_is_written()
    {
        string message = Assert.Throws<EvaluationException>(() => Save(".mat")).Message;
        Assert.Equal($"{In("f.mat")}: features are written as .safetensors, .npy or .csv; choose one of these endings", message);
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void What_a_format_cannot_hold_is_refused_before_the_work()
    {
        FeatureTable.RequireRoom(In("f.safetensors"), _table.Names, _table.Classes, _table.Dim);
        FeatureTable.RequireRoom(In("f.npy"), ["a.png"], [], 600_000_000);
        Refused(["a.png"], 600_000_000);
        Refused([.. Enumerable.Repeat(new string('a', 1000), 100_000)], 1);

        void Refused(string[] names, int dim) => Assert.Contains(
            "too many for one .safetensors file",
            Assert.Throws<EvaluationException>(() => FeatureTable.RequireRoom(In("f.safetensors"), names, [], dim)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Lengths_that_do_not_fit_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new FeatureTable(["a", "b"], [], [], [1, 2, 3], 2));
        Assert.Throws<ArgumentException>(() => new FeatureTable(["a"], [0, 1], ["x", "y"], [1, 2], 2));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string In(string name) => Path.Combine(_folder, name);

    private string Save(string ending)
    {
        string path = In("f" + ending);
        _table.Save(path);
        return path;
    }
}
