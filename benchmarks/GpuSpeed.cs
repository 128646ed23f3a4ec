using System.Diagnostics;
using System.Globalization;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Layers;
using DinoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Benchmarks;

/// <summary>ViT-S/16 on a GPU: features, and whole optimizer steps of DINO, beside the GPU's own rate of products and beside PyTorch.</summary>
internal static class GpuSpeed
{
    private const int Steps = 20;
    private const int Warmup = 5;
    private const int Side = 8192;
    private const int InferenceBatch = 256;

    private static readonly TrainingStep Step =
        new("DINO step, 2x224 + 8x96, K 65536, batch 64", BackboneCatalogue.Transformer("vit_small", new() { DropPathRate = 0.1 }), 96, 8, 65536, 64);

    /// <returns>the exit code</returns>
    public static int Run()
    {
        if (!cuda_is_available())
        {
            Console.Error.WriteLine("there is no NVIDIA GPU here, or torch was built without CUDA (-p:Torch=cuda): nothing is measured");
            return 1;
        }

        Device device = new(DeviceType.CUDA, 0);
        Console.WriteLine("| ViT-S/16 | precision | im/s | TFLOP/s | product of 8192 x 8192, TFLOP/s | share | PyTorch, im/s |\n|---|---|---|---|---|---|---|");
        foreach (var precision in new[] { Precision.Float32, Precision.Bf16 })
        {
            double peak = 2.0 * Side * Side * Side / Seconds(Product(device, precision)) / 1e12;
            Row("features, 224, batch 256", Features(device, precision), Step.FlopsOfImage(Step.Shape.ImageSize), "features");
            Row(Step.Name, Training(device, precision), Step.FlopsOfStep() / Step.BatchSize, "step");

            void Row(string name, double rate, double flops, string peer)
            {
                double done = rate * flops / 1e12;
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {name} | {precision} | {rate:F0} | {done:F0} | {peak:F0} | {done / peak * 100:F0} % | {Peer(peer, precision)} |"));
            }
        }

        return 0;
    }

    private static double Training(Device device, Precision precision)
    {
        using var scope = NewDisposeScope();
        manual_seed(0);
        TrainingPlan plan = new(100, 1000);
        using var method = Step.CreateMethod(plan, device);
        using Trainer trainer = new(method, new TrainingOptions { BatchSize = Step.BatchSize, Precision = precision }, plan) { ReadEverySteps = 1000 };
        TrainingBatch batch = new(Step.Crops(Step.BatchSize, device), []);
        return Step.BatchSize / Seconds(() => trainer.Step(batch));
    }

    private static double Features(Device device, Precision precision)
    {
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        using var used = MixedPrecision.Use(precision);
        using VisionTransformer network = new(Step.Shape with { DropPathRate = 0 });
        network.to(device);
        network.eval();
        var images = rand(InferenceBatch, 3, Step.Shape.ImageSize, Step.Shape.ImageSize, device: device);
        return InferenceBatch / Seconds(() => network.forward(images).Dispose());
    }

    private static Action Product(Device device, Precision precision)
    {
        var type = precision == Precision.Bf16 ? ScalarType.BFloat16 : ScalarType.Float32;
        Tensor left = rand([Side, Side], type, device), right = rand([Side, Side], type, device);
        return () => left.matmul(right).Dispose();
    }

    /// <summary>Seconds of one of many that are given to the GPU one after the other.</summary>
    private static double Seconds(Action action)
    {
        Times(Warmup);
        return Times(Steps) / Steps;

        double Times(int count)
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < count; i++)
            {
                action();
            }

            cuda.synchronize();
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }

    /// <summary>The same in PyTorch; a dash where it is not installed, or has no GPU.</summary>
    private static string Peer(string work, Precision precision)
    {
        int images = work == "step" ? Step.BatchSize : InferenceBatch;
        ProcessStartInfo start = new(
            Environment.GetEnvironmentVariable("PYTHON") ?? "python3",
            [Path.Combine(AppContext.BaseDirectory, "torch_vit.py"), work, precision.ToString().ToLowerInvariant(), $"{images}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            using var process = Process.Start(start)!;
            process.BeginErrorReadLine(); // what it says of a missing module
            string said = process.StandardOutput.ReadToEnd().Trim();
            process.WaitForExit();
            return process.ExitCode == 0 ? said : "–";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "–"; // there is no Python
        }
    }
}
