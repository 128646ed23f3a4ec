using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using DinoSharp.Cli.Speed;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Cli.Commands;

/// <summary>dino models: all named backbones, those of arXiv 2104.14294, table 1, among them, with their speed on this machine.</summary>
internal sealed class ModelsCommand
{
    private const int ImageSize = 224;

    /// <summary>By family, the smallest first.</summary>
    private static readonly (string Label, string Arch, int? PatchSize)[] Models =
    [
        ("ResNet-18", "resnet18", null),
        ("ResNet-34", "resnet34", null),
        ("ResNet-50", "resnet50", null),
        ("ResNet-101", "resnet101", null),
        ("ResNet-50w2", "resnet50w2", null),
        ("ViT-Ti/16", "vit_tiny", 16),
        ("ViT-S/16", "vit_small", 16),
        ("ViT-S/8", "vit_small", 8),
        ("ViT-B/16", "vit_base", 16),
        ("ViT-B/8", "vit_base", 8),
        ("XCiT-S12/16", "xcit_small_12_p16", null),
        ("XCiT-S12/8", "xcit_small_12_p8", null),
        ("XCiT-M24/16", "xcit_medium_24_p16", null),
        ("XCiT-M24/8", "xcit_medium_24_p8", null),
    ];

    private readonly Option<string?> _arch = OptionFactory.Text("--arch", "only the networks of this name, e.g. vit_small");
    private readonly Option<bool> _noSpeed = OptionFactory.Flag("--no-speed", "leaves out the measuring of im/s");

    public static Command Create()
    {
        var models = new ModelsCommand();
        var command = new Command("models", "list the backbones: their shape, their size and their speed here")
        {
            models._arch, models._noSpeed,
        };
        command.SetAction(models.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var terminal = Terminal.Of(parsed);
        var device = GlobalOptions.DeviceOf(parsed);
        bool speed = !parsed.GetValue(_noSpeed);
        var chosen = Choose(parsed.GetValue(_arch));
        var models = new List<Model>();
        using (var status = new StatusLine(terminal))
        {
            foreach (var (label, arch, patchSize) in chosen)
            {
                status.Show(() => $"{(speed ? "measuring" : "building")} {label} ({models.Count + 1} of {chosen.Length})");
                models.Add(Describe(label, arch, patchSize, speed ? device : null));
            }
        }

        terminal.Table(["model", "--arch", "blocks", "dim", "heads", "#tokens", "#params", "im/s"], models.Select(Row));
        terminal.Line($"#tokens and im/s are of {ImageSize} x {ImageSize} images, #params without a head; /8 and /16 are the --patch-size");
        terminal.Line(speed
            ? $"im/s is of inference in float32 on {device} with {Environment.ProcessorCount} processors, the median of a few batches"
            : "im/s was not measured");
        terminal.Result(new JsonObject
        {
            ["device"] = device.ToString(),
            ["image_size"] = ImageSize,
            ["models"] = new JsonArray([.. models.Select(Json)]),
        });
        return 0;
    }

    private static (string Label, string Arch, int? PatchSize)[] Choose(string? arch) =>
        Models.Where(m => arch is null || m.Arch == arch).ToArray() is { Length: > 0 } chosen
            ? chosen
            : throw new RequestException(
                $"the table has no '{arch}': the names are {string.Join(", ", Models.Select(m => m.Arch).Distinct())}");

    /// <summary>Builds a network, counts and, on a device, measures it.</summary>
    private static Model Describe(string label, string arch, int? patchSize, Device? device)
    {
        using var scope = NewDisposeScope();
        using var backbone = BackboneCatalogue.Create(arch, new() { PatchSize = patchSize ?? 1, ImageSize = ImageSize });
        backbone.eval();
        long parameters = backbone.parameters().Sum(p => p.numel());
        TokenShape? shape = backbone switch
        {
            VisionTransformer { Options: var t } => new(t.PatchSize, t.Depth, t.Heads),
            Xcit { Options: var x } => new(x.PatchSize, x.Depth, x.Heads),
            _ => null,
        };
        return new Model(
            label,
            arch,
            backbone.FeatureDim,
            parameters,
            shape,
            device is null ? null : InferenceSpeed.Measure(backbone.to(device), ImageSize));
    }

    private static string[] Row(Model model)
    {
        const string none = "-";
        return
        [
            model.Label,
            model.Arch,
            Number(model.Shape?.Depth) ?? none,
            Number(model.FeatureDim)!,
            Number(model.Shape?.Heads) ?? none,
            Number(model.Tokens) ?? none,
            string.Create(CultureInfo.InvariantCulture, $"{model.Parameters / 1e6:F1}M"),
            model.Speed?.ImagesPerSecond.ToString(model.Speed.ImagesPerSecond < 10 ? "F1" : "F0", CultureInfo.InvariantCulture) ?? none,
        ];
    }

    private static JsonObject Json(Model model) => new()
    {
        ["model"] = model.Label,
        ["arch"] = model.Arch,
        ["patch_size"] = model.Shape?.PatchSize,
        ["blocks"] = model.Shape?.Depth,
        ["dim"] = model.FeatureDim,
        ["heads"] = model.Shape?.Heads,
        ["tokens"] = model.Tokens,
        ["params"] = model.Parameters,
        ["images_per_second"] = model.Speed?.ImagesPerSecond,
        ["batch_size"] = model.Speed?.BatchSize,
    };

    private static string? Number(int? number) => number?.ToString(CultureInfo.InvariantCulture);

    private sealed record Model(string Label, string Arch, int FeatureDim, long Parameters, TokenShape? Shape, InferenceSpeed? Speed)
    {
        /// <summary>Patches and the class token.</summary>
        public int? Tokens => Shape is { PatchSize: var patch } ? ImageSize / patch * (ImageSize / patch) + 1 : null;
    }

    /// <summary>What a network of tokens has and a ResNet has not.</summary>
    private sealed record TokenShape(int PatchSize, int Depth, int Heads);
}
