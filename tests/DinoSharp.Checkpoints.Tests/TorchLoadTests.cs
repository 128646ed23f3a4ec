using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Nodes;
using DinoSharp.Tests;

namespace DinoSharp.Checkpoints.Tests;

/// <summary>Files of ours under the real torch.load. Skipped where no Python with PyTorch is installed.</summary>
[Trait("Category", "Slow")]
public sealed class TorchLoadTests : IDisposable
{
    private const string Describe = """
        import argparse, collections, json, sys, torch

        def plain(value):
            if isinstance(value, torch.Tensor):
                exact = value.to(torch.float64) if value.dtype.is_floating_point else value.to(torch.int64)
                return {"dtype": str(value.dtype)[6:], "shape": list(value.shape), "values": exact.flatten().tolist(),
                        "contiguous": value.is_contiguous(), "grad": value.requires_grad}
            if isinstance(value, argparse.Namespace):
                return {"Namespace": plain(vars(value))}
            if isinstance(value, dict):
                return {(key if isinstance(key, str) else repr(key)): plain(element) for key, element in value.items()}
            if isinstance(value, tuple):
                return {"tuple": [plain(element) for element in value]}
            if isinstance(value, list):
                return [plain(element) for element in value]
            if isinstance(value, bytes):
                return {"bytes": list(value)}
            return value

        print(json.dumps(plain(torch.load(sys.argv[1], map_location="cpu", weights_only=sys.argv[2] == "True"))))
        """;

    private static readonly string? Python =
        new[] { "python3", "/usr/bin/python3" }.FirstOrDefault(p => Run(p, "-c", "import torch").ExitCode == 0);
    private readonly TestFolder _folder = new();

    [Fact]
    public void A_state_dict_of_ours_loads_with_and_without_weights_only_bit_for_bit()
    {
        RequirePyTorch();
        var weights = SafetensorsFile.Read(TestFolder.Fixture("vit/weights.safetensors"));
        string path = Path.Combine(_folder.Path, "weights.pth");
        WeightsWriter.Write(path, weights, BackboneShape.Infer(weights, 3, path));
        foreach (bool weightsOnly in new[] { true, false })
        {
            var loaded = Load(path, weightsOnly);
            Assert.Equal(weights.Names, loaded.EnumerateObject().Select(e => e.Name));
            Assert.All(loaded.EnumerateObject(), entry => AssertIs(weights[entry.Name], entry.Value));
        }
    }

    [Fact]
    public void A_trainings_checkpoint_of_ours_loads_with_its_optimizer_and_arguments()
    {
        RequirePyTorch();
        string path = Path.Combine(_folder.Path, "checkpoint.pth");
        var moment = ArrayData.FromFloat32([1.5f, -2], 2);
        var state = new OrderedDictionary<object, object?>
        {
            ["student"] = new OrderedDictionary<object, object?> { ["module.backbone.cls_token"] = moment },
            ["optimizer"] = new OrderedDictionary<object, object?>
            {
                ["state"] = new OrderedDictionary<object, object?>
                {
                    [0L] = new OrderedDictionary<object, object?> { ["step"] = ArrayData.FromFloat32([6]), ["exp_avg"] = moment },
                },
                ["param_groups"] = new List<object?>
                {
                    new OrderedDictionary<object, object?>
                    {
                        ["lr"] = 5e-4, ["betas"] = new object?[] { 0.9, 0.999 }, ["amsgrad"] = false, ["params"] = new List<object?> { 0L },
                    },
                },
            },
            ["epoch"] = 3L,
            ["args"] = new PickledNamespace(new OrderedDictionary<string, object?>
            {
                ["arch"] = "vit_tiny",
                ["seed"] = 5_000_000_000L,
                ["clip_grad"] = null,
                ["data_path"] = "/data/café",
                ["scale"] = new object?[] { 0.4, 1.0 },
            }),
        };
        TorchFile.Write(path, state);
        var loaded = Load(path, weightsOnly: false);
        AssertIs(moment, loaded.GetProperty("student").GetProperty("module.backbone.cls_token"));
        var optimizer = loaded.GetProperty("optimizer");
        AssertIs(ArrayData.FromFloat32([6]), optimizer.GetProperty("state").GetProperty("0").GetProperty("step"));
        AssertJson("""[{"lr": 0.0005, "betas": {"tuple": [0.9, 0.999]}, "amsgrad": false, "params": [0]}]""",
            optimizer.GetProperty("param_groups"));
        AssertJson(
            """
            {"Namespace": {"arch": "vit_tiny", "seed": 5000000000, "clip_grad": null, "data_path": "/data/café",
             "scale": {"tuple": [0.4, 1.0]}}}
            """,
            loaded.GetProperty("args"));
        Assert.Equal(3, loaded.GetProperty("epoch").GetInt32());
    }

    [Fact]
    public void Every_element_type_and_plain_value_loads_as_what_it_is()
    {
        RequirePyTorch();
        string path = Path.Combine(_folder.Path, "values.pth");
        var tensors = new OrderedDictionary<object, object?>();
        foreach (var type in Enum.GetValues<ElementType>())
        {
            tensors.Add(type.ToString(),
                new ArrayData(type, [2, 1, 3], Enumerable.Range(0, 6 * type.Size()).Select(i => (byte)(i & 1)).ToArray()));
        }

        tensors.Add("scalar", ArrayData.FromFloat32([7]));
        tensors.Add("empty", ArrayData.FromInt64([], 0, 4));
        tensors.Add("integers", new List<object?> { long.MaxValue, long.MinValue, int.MinValue - 1L, -1L, BigInteger.Pow(2, 70) });
        TorchFile.Write(path, tensors);
        foreach (bool weightsOnly in new[] { true, false })
        {
            var loaded = Load(path, weightsOnly);
            Assert.All(tensors.Where(t => t.Value is ArrayData), t => AssertIs((ArrayData)t.Value!, loaded.GetProperty((string)t.Key)));
            AssertJson("[9223372036854775807, -9223372036854775808, -2147483649, -1, 1180591620717411303424]",
                loaded.GetProperty("integers"));
        }

        TorchFile.Write(path, new List<object?> { new byte[] { 0, 127, 128, 255 }, BigInteger.Pow(2, 2100) - 1 });
        AssertJson($$"""[{"bytes": [0, 127, 128, 255]}, {{BigInteger.Pow(2, 2100) - 1}}]""", Load(path, weightsOnly: false));
    }

    public void Dispose() => _folder.Dispose();

    private static void RequirePyTorch() => Assert.SkipUnless(Python is not null, "neither python3 nor /usr/bin/python3 has PyTorch");

    private static void AssertIs(ArrayData expected, JsonElement actual)
    {
        Assert.Equal(expected.Type.ToString(), actual.GetProperty("dtype").GetString(), ignoreCase: true);
        Assert.Equal(expected.Shape, actual.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64()));
        var values = actual.GetProperty("values").EnumerateArray();
        if (expected.Type is ElementType.Float64)
        {
            Assert.Equal(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, double>(expected.Bytes.Span).ToArray(),
                values.Select(v => v.GetDouble()));
        }
        else
        {
            Assert.Equal(expected.ToFloat32(), values.Select(v => (float)v.GetDouble()));
        }

        Assert.Equal((true, false), (actual.GetProperty("contiguous").GetBoolean(), actual.GetProperty("grad").GetBoolean()));
    }

    private static void AssertJson(string expected, JsonElement actual) =>
        Assert.Equal(JsonNode.Parse(expected)!.ToJsonString(), JsonNode.Parse(actual.GetRawText())!.ToJsonString());

    private JsonElement Load(string path, bool weightsOnly)
    {
        string script = _folder.WriteText("describe.py", Describe);
        var (exitCode, output, error) = Run(Python!, script, path, weightsOnly.ToString(CultureInfo.InvariantCulture));
        Assert.True(exitCode == 0, error);
        return JsonDocument.Parse(output).RootElement;
    }

    private static (int ExitCode, string Output, string Error) Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            process.WaitForExit();
            return (process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            return (-1, "", missing.Message);
        }
    }
}
