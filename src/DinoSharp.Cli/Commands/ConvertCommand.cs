using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using DinoSharp.Checkpoints;
using DinoSharp.Models;
using DinoSharp.Models.Weights;

namespace DinoSharp.Cli.Commands;

/// <summary>dino convert: a backbone from one layout to another, bit for bit.</summary>
internal sealed class ConvertCommand
{
    private readonly Argument<string> _input = new("in") { Description = ".pth, .safetensors, a Hugging Face folder or a run folder" };
    private readonly Argument<string> _output = new("out") { Description = ".pth, .safetensors, or a folder (no ending) for Hugging Face" };
    private readonly Option<string?> _key = OptionFactory.Text("--checkpoint-key",
        "which network of a training's checkpoint: teacher (the default) or student");
    private readonly Option<int?> _heads = OptionFactory.Maybe<int>("--num-heads",
        "attention heads, where the file does not say and they are not 64 wide");
    private readonly Option<bool> _partial = new("--partial") { Description = "write what fits, though tensors are missing or left over" };

    public static Command Create()
    {
        var convert = new ConvertCommand();
        var command = new Command("convert", "a backbone from one checkpoint layout to another")
        {
            convert._input, convert._output, convert._key, convert._heads, convert._partial,
        };
        command.SetAction(convert.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var terminal = Terminal.Of(parsed);
        string output = parsed.GetValue(_output)!;
        if (!WeightsWriter.CanWrite(output))
        {
            throw new RequestException(
                $"{output}: unknown ending '{Path.GetExtension(output)}': use .pth, .safetensors, or a folder for Hugging Face");
        }

        var file = WeightsFile.Open(parsed.GetValue(_input)!, parsed.GetValue(_key));
        var shape = BackboneShape.Infer(file.Backbone, parsed.GetValue(_heads) ?? file.HeadCount, file.Path);
        if (shape is not TransformerShape && WeightsWriter.IsHuggingFace(output))
        {
            throw new RequestException(
                $"{file.Path} is {(shape is ResNetShape ? "a ResNet" : "an XCiT")}, and the layout of Hugging Face is for Vision Transformers: name a .pth or .safetensors file");
        }

        var report = Check(file, parsed);
        var written = new NamedArrays();
        foreach (string name in report.Loaded)
        {
            written.Add(name, file.Backbone[name]);
        }

        WeightsWriter.Write(output, written, shape);
        terminal.Line($"{output}: {ShapeDescription.Line(shape)}");
        terminal.Line(Account(file, report));
        if (shape is TransformerShape { Heads: var heads } && WeightsWriter.LosesHeads(output, shape))
        {
            terminal.Line(string.Create(CultureInfo.InvariantCulture,
                $"a .pth cannot say how many heads there are: read it with --num-heads {heads}"));
        }

        terminal.Result(new JsonObject
        {
            ["input"] = Path.GetFullPath(file.Path),
            ["output"] = Path.GetFullPath(output),
            ["network"] = file.Network,
            ["backbone"] = ShapeDescription.Json(shape),
            ["written"] = report.Loaded.Count,
            ["head"] = file.Head.Count,
            ["ignored"] = Names(report.Ignored),
            ["missing"] = Names(report.Missing),
            ["left_over"] = Names(report.Unexpected),
            ["mismatched"] = Names(report.Mismatched),
        });
        return 0;
    }

    /// <summary>Holds the tensors against the network itself: what is not known to fit is not handed on.</summary>
    private LoadReport Check(WeightsFile file, ParseResult parsed)
    {
        _ = TorchRuntime.ParseDevice("cpu"); // says in one line where torch is missing
        var (backbone, report) = Pretrained.Load(file, parsed.GetValue(_heads), parsed.GetValue(_partial));
        backbone.Dispose();
        return report;
    }

    /// <summary>What became of each tensor of the file.</summary>
    private static string Account(WeightsFile file, LoadReport report)
    {
        (int Count, string What)[] parts =
        [
            (report.Loaded.Count, "written"),
            (file.Tensors.Count - file.Backbone.Count - file.Head.Count - file.Ignored.Count, "of keys and values joined to their queries"),
            (file.Head.Count, "of the projection head left out"),
            (report.Ignored.Count, "of another network left out"),
            (report.Unexpected.Count, "without a place left out"),
            (report.Mismatched.Count, "of another shape left out"),
            (report.Missing.Count, "missing"),
        ];
        string account = string.Join(", ",
            parts.Where(p => p.Count > 0).Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Count} {p.What}")));
        return string.Create(CultureInfo.InvariantCulture, $"{file.Tensors.Count} tensors in {file.Path}: {account}");
    }

    private static JsonArray Names(IReadOnlyList<string> names) => new([.. names.Select(n => (JsonNode)n)]);
}
