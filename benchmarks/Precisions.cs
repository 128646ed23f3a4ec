using System.Globalization;
using DinoSharp.Methods.Dino;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Heads;
using DinoSharp.Models.Layers;
using DinoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Benchmarks;

/// <summary>What a lower precision gains here: matrix products, and whole optimizer steps of DINO, each in turns with float32.</summary>
internal static class Precisions
{
    private const int Rounds = 15;
    private const int GlobalCrops = 2;

    public static void Run()
    {
        using var scope = NewDisposeScope();
        var (best, reason) = PrecisionSupport.Best(CPU);
        Console.WriteLine($"auto: {best}, {reason}");
        Console.WriteLine();
        Console.WriteLine("| | float32, s | bf16, s | ratio | quartiles of the ratio |");
        Console.WriteLine("|---|---|---|---|---|");
        Product(2048, 2048, 2048);
        Product(12_800, 192, 768);
        Product(5_000, 1536, 384);
        var tiny = BackboneCatalogue.Transformer("vit_tiny", new() { PatchSize = 4, ImageSize = 32, DropPathRate = 0.1 });
        var small = BackboneCatalogue.Transformer("vit_small", new() { DropPathRate = 0.1 });
        Step("ViT-Ti/4, 2x32 + 6x16, K 4096, batch 64", _ => new VisionTransformer(tiny), 32, 16, 6, 4096, 64);
        Step("ViT-S/16, 2x224 + 8x96, K 65536, batch 4", _ => new VisionTransformer(small), 224, 96, 8, 65536, 4);
        Step("ResNet-50, 2x224 + 6x96, K 65536, batch 4", _ => new ResNet(BackboneCatalogue.Residual("resnet50")), 224, 96, 6, 65536, 4);
    }

    private static void Product(int rows, int inner, int columns)
    {
        using var scope = NewDisposeScope();
        var (left, right) = (rand(rows, inner), rand(inner, columns));
        var (lowLeft, lowRight) = (left.to(ScalarType.BFloat16), right.to(ScalarType.BFloat16));
        Report($"product [{rows}, {inner}] · [{inner}, {columns}]", () => Measure.Product(left, right), () => Measure.Product(lowLeft, lowRight));
    }

    private static void Step(string name, Func<bool, Backbone> create, int side, int localSide, int locals, int outputs, int batch)
    {
        using var scope = NewDisposeScope();
        var plan = new TrainingPlan(100, 100);
        var options = new DinoOptions { Head = new DinoHeadOptions { OutputDim = outputs }, FreezeLastLayerEpochs = 0 };
        Tensor[] crops = [rand(GlobalCrops * batch, 3, side, side), rand(locals * batch, 3, localSide, localSide)];
        using var single = Training(Precision.Float32);
        using var low = Training(Precision.Bf16);
        Report(name, Seconds(single), Seconds(low));

        Pair Training(Precision precision)
        {
            manual_seed(0);
            var method = new DinoMethod(create(true), create(false), options, locals, plan, CPU);
            return new Pair(method, new Trainer(method, new TrainingOptions { BatchSize = batch, Precision = precision }, plan));
        }

        Func<double> Seconds(Pair pair) => () => Measure.Seconds(() => pair.Trainer.Step(new(crops, [])));
    }

    /// <summary>Ratios are of a round: both sides of one have had the same of the machine.</summary>
    private static void Report(string name, Func<double> single, Func<double> low)
    {
        double[][] seconds = Measure.Rounds(Rounds, single, low);
        double[] ratios = [.. seconds[0].Zip(seconds[1], (one, other) => one / other).Order()];
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {name} | {Measure.Median(seconds[0]):G3} | {Measure.Median(seconds[1]):G3} | {Measure.Median(ratios):F2} | {ratios[Rounds / 4]:F2} to {ratios[3 * Rounds / 4]:F2} |"));
    }

    private sealed record Pair(DinoMethod Method, Trainer Trainer) : IDisposable
    {
        public void Dispose()
        {
            Trainer.Dispose();
            Method.Dispose();
        }
    }
}
