using DinoSharp.Cli.Commands;
using DinoSharp.Cli.Training;
using DinoSharp.Data;
using DinoSharp.Methods.Dino;
using DinoSharp.Training.Optimizers;

namespace DinoSharp.Cli.Tests;

/// <summary>The commands of the reference's README, pasted after "dino train".</summary>
public sealed class ReferenceCommandLineTests
{
    private const string Folders = "--data_path /path/to/imagenet/train --output_dir /path/to/saving_dir";

    [Fact]
    public void On_one_node_the_published_command_is_the_reference_s_defaults_on_a_batch_in_as_many_parts_as_processes()
    {
        var (settings, request) = Read(
            $"python -m torch.distributed.launch --nproc_per_node=8 main_dino.py --arch vit_small {Folders}");

        Assert.Equal("/path/to/imagenet/train", Assert.Single(settings.Data.Paths));
        Assert.Equal("/path/to/saving_dir", request.Out);
        Assert.Equal((512, 8), (settings.Training.BatchSize, settings.Training.AccumulationSteps));
        Assert.Equal("vit_small", settings.Arch);
        Assert.Equal((16, 224, 0.1), (settings.Shape!.PatchSize, settings.Shape.ImageSize, settings.Shape.DropPathRate));
        var (training, dino) = (settings.Training, (DinoOptions)settings.Method);
        Assert.Equal(
            (100, 10, 0L, OptimizerKind.AdamW),
            (training.Epochs, training.EffectiveWarmupEpochs, training.Seed, training.Optimizer));
        Assert.Equal((0.0005, 1e-6, 0.04, 0.4, 3.0),
            (training.LearningRate, training.MinLearningRate, training.WeightDecay, training.WeightDecayEnd, training.ClipGradient));
        Assert.Equal((65536, true, false), (dino.Head.OutputDim, dino.Head.FreezeMagnitude, dino.Head.BatchNorm));
        Assert.Equal((0.04, 0.04, 0, 0.996, 1),
            (dino.TeacherTemperature, dino.WarmupTeacherTemperature, dino.WarmupTeacherTemperatureEpochs,
                dino.TeacherMomentum, dino.FreezeLastLayerEpochs));
        Assert.Equal(new MultiCropOptions { LocalCount = 8, GlobalScale = new(0.4, 1), LocalScale = new(0.05, 0.4), Exact = true }, settings.Views);
        Assert.Equal(20, request.Recording.KeepEveryEpochs);
    }

    /// <summary>The published training of ResNet-50, whole, and what each word of it and each default under it comes to.</summary>
    [Fact]
    public void The_published_command_for_ResNet_50_is_taken_as_it_stands()
    {
        var (settings, request) = Read(
            "python -m torch.distributed.launch --nproc_per_node=8 main_dino.py --arch resnet50 --optimizer sgd --lr 0.03 --weight_decay 1e-4 "
            + $"--weight_decay_end 1e-4 --global_crops_scale 0.14 1 --local_crops_scale 0.05 0.14 {Folders}");

        Assert.Equal(("resnet50", "/path/to/saving_dir"), (settings.Arch, request.Out));
        Assert.Equal("/path/to/imagenet/train", Assert.Single(settings.Data.Paths));
        Assert.Equal((64, true, false, 3), (settings.ResNet!.Width, settings.ResNet.Bottlenecks, settings.ResNet.SmallStem, settings.ResNet.InputChannels));
        Assert.Equal([3, 4, 6, 3], settings.ResNet.Blocks);
        Assert.False(settings.ResNet.ZeroInitResidual);
        Assert.Null(settings.Shape);
        var (training, dino) = (settings.Training, (DinoOptions)settings.Method);
        Assert.Equal((OptimizerKind.Sgd, 0.03, 1e-6), (training.Optimizer, training.LearningRate, training.MinLearningRate));
        Assert.Equal((1e-4, 1e-4, 3.0), (training.WeightDecay, training.WeightDecayEnd, training.ClipGradient));
        Assert.Equal((100, 10, 512, 8), (training.Epochs, training.EffectiveWarmupEpochs, training.BatchSize, training.AccumulationSteps));
        Assert.Equal((65536, true, false), (dino.Head.OutputDim, dino.Head.FreezeMagnitude, dino.Head.BatchNorm));
        Assert.Equal((0.04, 0.04, 0.996, 1),
            (dino.TeacherTemperature, dino.WarmupTeacherTemperature, dino.TeacherMomentum, dino.FreezeLastLayerEpochs));
        Assert.Equal(new MultiCropOptions { GlobalScale = new(0.14, 1), LocalScale = new(0.05, 0.14), Exact = true }, settings.Views);
    }

    [Theory]
    [InlineData("xcit_small_12_p16", 384, 12, 16)]
    [InlineData("xcit_medium_24_p8", 512, 24, 8)]
    public void The_reference_s_names_of_XCiTs_say_their_patch(string arch, int dim, int depth, int patch)
    {
        var (settings, _) = Read($"python main_dino.py --arch {arch} {Folders}");
        Assert.Equal(new() { EmbedDim = dim, Depth = depth, Heads = 8, PatchSize = patch, DropPathRate = 0.1 }, settings.Xcit);
        Assert.True(settings is { Shape: null, ResNet: null });
        Assert.Equal((long)patch, Convert.ToInt64(settings.ReferenceArguments()["patch_size"], System.Globalization.CultureInfo.InvariantCulture));
        using var student = settings.CreateBackbone(trained: true);
        using var teacher = settings.CreateBackbone(trained: false);
        Assert.Equal(
            (0.1, 0.0), (((DinoSharp.Models.Backbones.Xcit)student).Options.DropPathRate, ((DinoSharp.Models.Backbones.Xcit)teacher).Options.DropPathRate));
    }

    [Theory]
    [InlineData(
        "python run_with_submitit.py --nodes 2 --ngpus 8 --arch vit_small",
        "--arch vit_small --batch-size 1024 --accumulation-steps 16")]
    [InlineData(
        "python3 ./dino/run_with_submitit.py --partition x --use_volta32 --arch vit_small",
        "--batch-size 1024 --accumulation-steps 16")]
    [InlineData("torchrun --nnodes 2 --nproc-per-node 4 main_dino.py --batch_size_per_gpu=32", "--batch-size 256 --accumulation-steps 8")]
    [InlineData("main_dino.py --dist_url env:// --local_rank 0 --use_fp16 false --momentum_teacher 0.9995", "--momentum-teacher 0.9995")]
    [InlineData(
        "python main_dino.py --epochs 300 --teacher_temp 0.07 --warmup_teacher_temp_epochs 30 --norm_last_layer false",
        "--epochs 300 --teacher-temp 0.07 --warmup-teacher-temp-epochs 30 --norm-last-layer false")]
    [InlineData(
        "python -m torch.distributed.launch --nproc_per_node=8 main_dino.py --arch resnet50 --optimizer sgd --lr 0.03 --weight_decay 1e-4 "
            + "--weight_decay_end 1e-4 --global_crops_scale 0.14 1 --local_crops_scale 0.05 0.14",
        // As in recipes/imagenet-resnet50.md.
        "--arch resnet50 --optimizer sgd --lr 0.03 --weight-decay 1e-4 --weight-decay-end 1e-4 --global-crops-scale 0.14 1 "
            + "--local-crops-scale 0.05 0.14 --epochs 100 --batch-size 512 --accumulation-steps 8 --warmup-epochs 10")]
    [InlineData("python main_dino.py --arch deit_small --epochs 30", "--arch vit_small --epochs 30 --warmup-epochs 10")]
    [InlineData(
        "--arch vit_small --out_dim=4096 --norm_last_layer 0 --use_bn_in_head=on",
        "--out-dim 4096 --norm-last-layer false --use-bn-in-head")]
    public void A_published_command_asks_for_the_same_as_its_translation(string published, string own) =>
        Assert.Equal(
            Read($"--data x --out y {own}{(published.Contains(".py", StringComparison.Ordinal) ? " --exact-views" : "")}").Settings.ToFlatJson().ToJsonString(),
            Read($"{published} --data_path x --output_dir y").Settings.ToFlatJson().ToJsonString());

    /// <summary>As the authors' code builds them: with blocks that begin by changing nothing, or not.</summary>
    [Theory]
    [InlineData("byol", true)]
    [InlineData("simclr", true)]
    [InlineData("barlow-twins", true)]
    [InlineData("moco-v3", true)]
    [InlineData("moco-v2", false)]
    [InlineData("swav", false)]
    public void Blocks_of_a_ResNet_begin_as_the_method_was_published(string method, bool zeroInit)
    {
        string[] line = ["train", "--method", method, "--arch", "resnet50", "--published", "--data", "/path"];
        var train = TrainCommand.Create(line);
        var settings = train.Settings(Application.Parse(Application.Root(train), line), facts: null);
        Assert.Equal(zeroInit, settings.ResNet!.ZeroInitResidual);
    }

    [Fact]
    public void Every_option_of_the_reference_s_script_has_its_effect()
    {
        var (settings, request) = Read(
            "python main_dino.py --arch vit_base --patch_size 8 --out_dim 1024 --norm_last_layer false --momentum_teacher 0.99 "
            + "--use_bn_in_head true --warmup_teacher_temp 0.03 --teacher_temp 0.05 --warmup_teacher_temp_epochs 3 --use_fp16 true "
            + "--weight_decay 0.1 --weight_decay_end 0.2 --clip_grad 0.3 --batch_size_per_gpu 16 --epochs 40 --freeze_last_layer 2 "
            + "--lr 0.001 --warmup_epochs 4 --min_lr 1e-5 --optimizer lars --drop_path_rate 0.2 --global_crops_scale 0.3 0.9 "
            + "--local_crops_number 6 --local_crops_scale 0.1 0.3 --data_path x --output_dir y --saveckp_freq 7 --seed 5 --num_workers 3 "
            + "--dist_url env:// --local_rank 0");

        var expected = new TrainSettings
        {
            Data = new DataSettings { Paths = [Path.GetFullPath("x")] },
            Arch = "vit_base",
            Shape = new() { EmbedDim = 768, Depth = 12, Heads = 12, PatchSize = 8, ImageSize = 224, DropPathRate = 0.2 },
            Training = new()
            {
                Epochs = 40,
                BatchSize = 16,
                Optimizer = OptimizerKind.Lars,
                LearningRate = 0.001,
                MinLearningRate = 1e-5,
                WarmupEpochs = 4,
                WeightDecay = 0.1,
                WeightDecayEnd = 0.2,
                ClipGradient = 0.3,
                Seed = 5,
            },
            Method = new DinoOptions
            {
                Head = new() { OutputDim = 1024, FreezeMagnitude = false, BatchNorm = true },
                TeacherTemperature = 0.05,
                WarmupTeacherTemperature = 0.03,
                WarmupTeacherTemperatureEpochs = 3,
                TeacherMomentum = 0.99,
                FreezeLastLayerEpochs = 2,
            },
            Views = new() { LocalCount = 6, GlobalScale = new(0.3, 0.9), LocalScale = new(0.1, 0.3), Exact = true },
        };
        Assert.Equal(expected.Data.Paths, settings.Data.Paths);
        Assert.Equal(expected with { Reasons = settings.Reasons }, settings with { Data = expected.Data });
        Assert.Equal((7, 3, "y"), (request.Recording.KeepEveryEpochs, request.Threads, request.Out));
    }

    [Fact]
    public void What_stands_before_the_launcher_stays() =>
        Assert.Equal(
            ["train", "--json", "--out", "my_run", "--arch", "vit_tiny", "--warmup-epochs", "10", "--exact-views", "true", "--published", "true"],
            ReferenceCommandLine.Translate("train --json --out my_run python main_dino.py --arch vit_tiny".Split(' ')));

    [Fact]
    public void A_number_of_processes_that_is_none_is_a_wrong_request() =>
        Dino.Run("train", "python", "-m", "torch.distributed.launch", "--nproc_per_node=many", "main_dino.py")
            .Failed(2, "--nproc-per-node", "many");

    private static (TrainSettings Settings, RunRequest Request) Read(string line)
    {
        var train = TrainCommand.Create();
        var parsed = Application.Parse(Application.Root(train), ["train", .. line.Split(' ')]);
        Assert.Empty(parsed.Errors);
        var settings = train.Settings(parsed, facts: null);
        return (settings, train.Request(parsed, settings));
    }
}
