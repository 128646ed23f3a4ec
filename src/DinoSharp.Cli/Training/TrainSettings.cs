using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using DinoSharp.Checkpoints;
using DinoSharp.Data;
using DinoSharp.Methods;
using DinoSharp.Methods.Dino;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Layers;
using DinoSharp.Models.Weights;
using DinoSharp.Training;

namespace DinoSharp.Cli.Training;

/// <summary>All that decides what a training computes. Two starts with equal settings are one run.</summary>
internal sealed record TrainSettings
{
    /// <summary>The batch size's flat name (<see cref="ToFlatJson"/>).</summary>
    public const string BatchSizeName = "training.batch_size";

    public required DataSettings Data { get; init; }

    public string Arch { get; init; } = MethodChoice.UsualArch;

    /// <summary>The shape of a Vision Transformer, trained at the size of the global crops; null for another network.</summary>
    public VisionTransformerOptions? Shape { get; init; }

    /// <summary>The shape of a ResNet; null for another network.</summary>
    public ResNetOptions? ResNet { get; init; }

    /// <summary>The shape of an XCiT; null for another network.</summary>
    public XcitOptions? Xcit { get; init; }

    private int? PatchSize => Shape?.PatchSize ?? Xcit?.PatchSize;

    public TrainingOptions Training { get; init; } = new();

    /// <summary>The method's name in the catalogue.</summary>
    public string MethodName { get; init; } = MethodChoice.UsualMethod;

    /// <summary>Settings of the method.</summary>
    [JsonIgnore]
    public MethodOptions Method { get; init; } = new DinoOptions();

    public MultiCropOptions Views { get; init; } = new();

    /// <summary>Why settings that nobody named are not as published, a line each.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Reasons { get; init; } = [];

    /// <summary>A new network of these settings; one that does not train, as a teacher, has no stochastic depth.</summary>
    /// <param name="trained">whether it trains</param>
    /// <param name="checkpointActivations">whether activations are computed again in place of kept</param>
    public Backbone CreateBackbone(bool trained, bool checkpointActivations = false)
    {
        Backbone backbone =
            ResNet is not null ? new ResNet(ResNet) :
            Xcit is not null ? new Xcit(trained ? Xcit : Xcit with { DropPathRate = 0 }) :
            new VisionTransformer(trained ? Shape! : Shape! with { DropPathRate = 0 });
        backbone.CheckpointsActivations = checkpointActivations;
        return backbone;
    }

    /// <summary>How images are shown to the backbone when it is evaluated: at the size of the global crops.</summary>
    public EvaluationRecipe EvaluationRecipe => EvaluationView.Of(Views.GlobalSize);

    /// <summary>Returns itself if the values make a training.</summary>
    /// <exception cref="ArgumentException">Says in one line which value does not.</exception>
    public TrainSettings Validated()
    {
        Shape?.Validated();
        ResNet?.Validated();
        Xcit?.Validated();
        Training.Validated();
        Method.Validate();
        Views.Validate();
        string? fault =
            Views.LocalCount > 0 && Views.LocalSize < PatchSize
                ? $"local crops of {Views.LocalSize} pixels are smaller than one patch of {PatchSize}: raise --local-crops-size" :
            Method is DinoOptions { StudentSees: StudentCrops.Local } && Views.LocalCount == 0
                ? "a student that sees local crops only needs some: raise --local-crops-number, or use --student-crops all" :
            Training.AccumulationSteps > 1 && !Method.Accumulates
                ? $"{MethodName} compares the images of a batch with each other, so a batch cannot pass in parts: leave --accumulation-steps at 1" :
            null;
        return fault is null ? this : throw new ArgumentException(fault);
    }

    /// <summary>The same in another precision.</summary>
    /// <param name="precision">what the backbone multiplies in</param>
    /// <param name="reason">why, where nobody named it</param>
    public TrainSettings In(Precision precision, string? reason) => this with
    {
        Training = Training with { Precision = precision },
        Reasons = reason is null ? Reasons : [.. Reasons, reason],
    };

    /// <summary>The settings under the names of the reference's arguments, as they stand in a checkpoint.</summary>
    public IReadOnlyDictionary<string, object?> ReferenceArguments() => new Dictionary<string, object?>
    {
        ["method"] = MethodName,
        ["arch"] = Arch,
        [ImageClassifier.ImageSizeName] = Views.GlobalSize,
        ["patch_size"] = PatchSize,
        ["embed_dim"] = Shape?.EmbedDim ?? Xcit?.EmbedDim,
        ["depth"] = Shape?.Depth ?? Xcit?.Depth,
        [WeightsWriter.HeadCountName] = Shape?.Heads ?? Xcit?.Heads,
        ["use_fp16"] = Training.Precision != Precision.Float32,
        ["weight_decay"] = Training.WeightDecay,
        ["weight_decay_end"] = Training.WeightDecayEnd,
        ["clip_grad"] = Training.ClipGradient,
        ["batch_size_per_gpu"] = Training.BatchSize,
        ["epochs"] = Training.Epochs,
        ["lr"] = Training.LearningRate,
        ["warmup_epochs"] = Training.EffectiveWarmupEpochs is var epochs && double.IsInteger(epochs) ? (int)epochs : epochs,
        ["min_lr"] = Training.MinLearningRate,
        ["seed"] = Training.Seed,
        ["optimizer"] = Training.Optimizer.ToString().ToLowerInvariant(),
        ["drop_path_rate"] = Shape?.DropPathRate ?? Xcit?.DropPathRate,
        ["global_crops_scale"] = new object?[] { Views.GlobalScale.Low, Views.GlobalScale.High },
        ["local_crops_number"] = Views.LocalCount,
        ["local_crops_scale"] = new object?[] { Views.LocalScale.Low, Views.LocalScale.High },
        ["data_path"] = string.Join(" ", Data.Paths),
    }.Concat(Method is DinoOptions dino ? ReferenceArguments(dino) : []).ToDictionary();

    /// <summary>Every setting by a flat name: groups joined by dots.</summary>
    public JsonObject ToFlatJson()
    {
        // The warm-up that applies: whether it was left out or named makes no other run.
        var flat = RunIdentity.Flat(this with { Training = Training with { WarmupEpochs = Training.EffectiveWarmupEpochs } });
        foreach (var (name, value) in RunIdentity.Flat<object>(Method))
        {
            flat[$"{MethodName}.{name}"] = value?.DeepClone();
        }

        return flat;
    }

    private static Dictionary<string, object?> ReferenceArguments(DinoOptions dino) => new()
    {
        ["out_dim"] = dino.Head.OutputDim,
        ["norm_last_layer"] = dino.Head.FreezeMagnitude,
        ["momentum_teacher"] = dino.TeacherMomentum,
        ["use_bn_in_head"] = dino.Head.BatchNorm,
        ["warmup_teacher_temp"] = dino.WarmupTeacherTemperature,
        ["teacher_temp"] = dino.TeacherTemperature,
        ["warmup_teacher_temp_epochs"] = dino.WarmupTeacherTemperatureEpochs,
        ["freeze_last_layer"] = dino.FreezeLastLayerEpochs,
    };
}
