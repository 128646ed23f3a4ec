using System.Diagnostics;
using System.Globalization;
using DinoSharp.Benchmarks.Port;
using DinoSharp.Distributed;
using DinoSharp.Methods.Dino;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Heads;
using DinoSharp.Models.Layers;
using DinoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Benchmarks;

/// <summary>
/// One optimizer step of DINO, beside the machine's own rate of matrix products and the straightforward port of the reference
/// (<see cref="PlainDino"/>), which take turns with it.
/// </summary>
/// <param name="Name">what the table says</param>
/// <param name="Shape">of the transformer; its image size is the global crops'</param>
/// <param name="LocalSize">side of the local crops, of which there are <paramref name="LocalCount"/></param>
/// <param name="Outputs">K</param>
/// <param name="BatchSize">images a step</param>
internal sealed record TrainingStep(string Name, VisionTransformerOptions Shape, int LocalSize, int LocalCount, int Outputs, int BatchSize)
{
    private const int GlobalCrops = 2;
    private const int Rounds = 7;
    private const int Side = 2048;

    /// <summary>The first steps are slower, of both: the heap grows, and code is compiled again.</summary>
    private const int StepsToSettle = 3;

    /// <summary>The two steps that are stated everywhere.</summary>
    public static IReadOnlyList<TrainingStep> All { get; } =
    [
        new("ViT-S/16, 2x224 + 8x96, K 65536, batch 4", BackboneCatalogue.Transformer("vit_small", new() { DropPathRate = 0.1 }), 96, 8, 65536, 4),
        new(
            "ViT-Ti/4, 2x32 + 6x16, K 4096, batch 64",
            BackboneCatalogue.Transformer("vit_tiny", new() { PatchSize = 4, ImageSize = 32, DropPathRate = 0.1 }), 16, 6, 4096, 64),
    ];

    /// <param name="precision">of the training; the product it is compared with is float32's</param>
    /// <param name="besideTorch">whether the step takes turns with itself by torch's products, too</param>
    public void Run(Precision precision, bool besideTorch)
    {
        using var scope = NewDisposeScope();
        manual_seed(0);
        var plan = new TrainingPlan(100, 100);
        using var method = CreateMethod(plan, CPU);
        using var trainer = new Trainer(method, new TrainingOptions { BatchSize = BatchSize, Precision = precision }, plan);
        var crops = Crops(BatchSize, CPU);
        using var port = Peer.TryStart("dotnet", typeof(TrainingStep).Assembly.Location, "port", All.ToList().IndexOf(this).ToString(CultureInfo.InvariantCulture))
            ?? throw new InvalidOperationException("the port did not start");
        var (left, right) = (rand(Side, Side), rand(Side, Side));
        for (int step = 0; step < StepsToSettle; step++)
        {
            trainer.Step(new(crops, []));
            port.Run();
        }

        Action[] actions =
        [
            () => trainer.Step(new(crops, [])),
            () =>
            {
                using var noGradients = no_grad();
                using var product = left.matmul(right);
            },
            () => port.Run(),
            () =>
            {
                MatrixKernels.TilesInUse = false;
                trainer.Step(new(crops, []));
                MatrixKernels.UseTiles();
            },
        ];
        double[] seconds = Measure.InTurns(Rounds, besideTorch ? actions : actions[..3]);
        double rate = FlopsOfStep() / seconds[0] / 1e9, peak = 2.0 * Side * Side * Side / seconds[1] / 1e9;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {Name} | {FlopsOfStep() / 1e9:F0} | {BatchSize / seconds[0]:F2} | {rate:F0} | {peak:F0} | {rate / peak * 100:F0} % | {PeakMemory():F1} | {BatchSize / seconds[2]:F2} | {port.Memory / 1e9:F1} | {seconds[2] / seconds[0]:F2} |{(besideTorch ? $" {seconds[3] / seconds[0]:F2} |" : "")}"));
    }

    /// <summary>The straightforward port's step, for a process that asks for it.</summary>
    public void ServePort()
    {
        manual_seed(0);
        using var port = new PlainDino(
            dropPath => new PlainTransformer(Shape.ImageSize, Shape.PatchSize, Shape.EmbedDim, Shape.Depth, Shape.Heads, dropPath),
            Shape.EmbedDim, Outputs, Crops(BatchSize, CPU), GlobalCrops + LocalCount);
        Peer.Serve(port.Step);
    }

    /// <summary>The method that takes the step.</summary>
    public DinoMethod CreateMethod(TrainingPlan plan, Device device, BatchShare? share = null)
    {
        var options = new DinoOptions { Head = new DinoHeadOptions { OutputDim = Outputs }, FreezeLastLayerEpochs = 0 };
        return new DinoMethod(
            new VisionTransformer(Shape), new VisionTransformer(Shape with { DropPathRate = 0 }), options, LocalCount, plan, device, share);
    }

    /// <summary>Noise in place of images.</summary>
    public Tensor[] Crops(int images, Device device) =>
    [
        rand(GlobalCrops * images, 3, Shape.ImageSize, Shape.ImageSize, device: device),
        rand(LocalCount * images, 3, LocalSize, LocalSize, device: device),
    ];

    /// <summary>
    /// Forward and backward of the student (three times its forward pass) and forward of the teacher, all tokens of all blocks counted,
    /// stochastic depth ignored.
    /// </summary>
    public double FlopsOfStep()
    {
        double global = FlopsOfImage(Shape.ImageSize) + FlopsOfHead(), local = FlopsOfImage(LocalSize) + FlopsOfHead();
        return BatchSize * (3 * (GlobalCrops * global + LocalCount * local) + GlobalCrops * global);
    }

    public double FlopsOfImage(int side)
    {
        double patches = Math.Pow(side / Shape.PatchSize, 2), tokens = patches + 1, dim = Shape.EmbedDim;
        double block = 2 * tokens * (4 + 2 * Shape.MlpRatio) * dim * dim + 4 * tokens * tokens * dim;
        return Shape.Depth * block + 2 * patches * Shape.PatchSize * Shape.PatchSize * Shape.InputChannels * dim;
    }

    private double FlopsOfHead()
    {
        DinoHeadOptions head = new();
        return 2.0 * (Shape.EmbedDim * head.HiddenDim + head.HiddenDim * head.HiddenDim + head.HiddenDim * head.BottleneckDim
            + head.BottleneckDim * Outputs);
    }

    /// <summary>The process's largest resident size so far, in GB.</summary>
    private static double PeakMemory()
    {
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64 / 1e9;
    }
}
