using DinoSharp.Methods.Dino;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Heads;
using DinoSharp.Tests;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;
using DinoSharp.Training.Schedules;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests;

/// <summary>What the teacher is after each step, for each kind of it, and the method's other switches.</summary>
public sealed class TeacherTests
{
    private const int Steps = 12;

    [Theory]
    [InlineData(TeacherKind.Momentum)]
    [InlineData(TeacherKind.PreviousStep)]
    [InlineData(TeacherKind.PreviousEpoch)]
    [InlineData(TeacherKind.Student)]
    public void After_each_step_the_teacher_is_exactly_what_its_kind_says(TeacherKind kind)
    {
        using var scope = NewDisposeScope();
        using TinyDino run = new(TinyDino.Options with { Teacher = kind });
        var momentum = new CosineSchedule(TinyDino.Options.TeacherMomentum, 1, Steps);
        var students = new List<Dictionary<string, Tensor>> { Network(run, "student") };
        var average = students[0];
        TinyDino.AssertSame(students[0], Network(run, "teacher"), "they start alike");
        for (int step = 1; step <= Steps; step++)
        {
            run.TrainTo(step);
            students.Add(Network(run, "student"));
            double m = momentum.At(step - 1);
            average = average.ToDictionary(p => p.Key, p => p.Value.mul(m).add_(students[step][p.Key], alpha: 1 - m));
            var expected = kind switch
            {
                TeacherKind.Momentum => average,
                TeacherKind.PreviousStep => students[step - 1],
                TeacherKind.PreviousEpoch => students[(step - 1) / run.Trainer.Plan.StepsPerEpoch * run.Trainer.Plan.StepsPerEpoch],
                _ => students[step],
            };
            // The average in one pass, θ' + (1 − m) (θ − θ'), rounds otherwise than the formula of the paper.
            TinyDino.AssertSame(expected, Network(run, "teacher"), $"teacher after step {step}", kind == TeacherKind.Momentum ? 1e-6 : 0);
        }

        Assert.True((students[^1]["head.mlp.0.weight"] - students[^2]["head.mlp.0.weight"]).abs().max().ToDouble() > 0);
    }

    [Fact]
    public void The_averaged_teacher_keeps_its_own_statistics_of_batch_norm()
    {
        using var scope = NewDisposeScope();
        using TinyDino run = new(TinyDino.Options with { Head = TinyDino.Options.Head with { BatchNorm = true } });
        run.TrainTo(3);
        var (student, teacher) = (Network(run, "student"), Network(run, "teacher"));
        // The student's batch has all crops, the teacher's the global ones: other statistics though the weights start alike.
        Assert.True((student["head.mlp.1.running_mean"] - teacher["head.mlp.1.running_mean"]).abs().max().ToDouble() > 1e-4);
        Assert.Equal(3, teacher["head.mlp.1.num_batches_tracked"].item<long>());
        Assert.DoesNotContain(run.Trainer.Optimizer.Groups.Groups.Where(g => g.Decayed).SelectMany(g => g.Parameters), p => p.Name.Contains("mlp.1.", StringComparison.Ordinal));
    }

    [Fact]
    public void Crops_of_one_size_in_one_tensor_are_taken_apart()
    {
        using var scope = NewDisposeScope();
        foreach (var crops in Enum.GetValues<StudentCrops>())
        {
            using TinyDino run = new(TinyDino.Options with { StudentSees = crops }, sameSize: true);
            var batch = run.Crops(0);
            var images = batch[0];
            long globals = TinyDino.GlobalCrops * TinyDino.Batch;
            var step = run.Trainer.Plan.StepAfter(0);
            double together = run.Method.Loss(new([images], []), step).ToDouble();
            var (first, others) = (images.narrow(0, 0, globals), images.narrow(0, globals, images.size(0) - globals));
            double apart = run.Method.Loss(new([first, others], []), step).ToDouble();
            Assert.Equal(apart, together, 1e-5);
        }
    }

    [Fact]
    public void A_student_of_local_crops_alone_never_sees_the_global_ones()
    {
        using var scope = NewDisposeScope();
        var options = TinyDino.Options with { StudentSees = StudentCrops.Local };
        using TinyDino run = new(options);
        var crops = run.Crops(0);
        var step = run.Trainer.Plan.StepAfter(0);
        var locals = crops[1].clone().requires_grad_();
        var globals = crops[0].clone().requires_grad_();
        run.Method.Loss(new([globals, locals], []), step).backward();
        Assert.Null(globals.grad);
        Assert.True(locals.grad!.abs().max().ToDouble() > 0);
        Assert.Throws<ArgumentException>(() =>
        {
            VisionTransformerOptions shape = new() { PatchSize = 2, EmbedDim = 8, Depth = 1, Heads = 1, ImageSize = 4 };
            using DinoMethod none =
                new(new VisionTransformer(shape), new VisionTransformer(shape), options, 0, new TrainingPlan(1, 1), CPU);
        });
    }

    [Fact]
    public void The_teachers_temperature_warms_up_as_the_references()
    {
        foreach (var setting in Golden.Json("schedules/schedules.json").GetProperty("teacher-temperature").EnumerateArray())
        {
            using DinoLoss loss = new(
                TinyDino.Options with
                {
                    WarmupTeacherTemperature = setting.GetProperty("warmup_teacher_temp").GetDouble(),
                    TeacherTemperature = setting.GetProperty("teacher_temp").GetDouble(),
                    WarmupTeacherTemperatureEpochs = setting.GetProperty("warmup_teacher_temp_epochs").GetInt32(),
                },
                studentViews: 4,
                CPU);
            double[] expected = [.. setting.GetProperty("values").EnumerateArray().Select(v => v.GetDouble())];
            Assert.NotEmpty(expected);
            Assert.All(expected.Index(), value => Assert.Equal(value.Item, loss.TeacherTemperature(value.Index), 1e-15));
        }
    }

    [Fact]
    public void The_last_layer_has_no_gradient_in_the_epochs_in_which_the_reference_freezes_it()
    {
        using var scope = NewDisposeScope();
        int settings = 0;
        var golden = Golden.Json("schedules/gradients.json").EnumerateObject();
        foreach (var setting in golden.Where(p => p.Name.StartsWith("epoch", StringComparison.Ordinal)))
        {
            string[] words = setting.Name.Split('-'); // epoch-E-freeze-F
            string[] expected = [.. setting.Value.GetProperty("without-gradient").EnumerateArray().Select(v => v.GetString()!)];
            using TinyDino run = new(TinyDino.Options with { FreezeLastLayerEpochs = int.Parse(words[3]) });
            run.Method.Loss(new(run.Crops(0), []), run.Trainer.Plan.StepAfter(0)).backward();
            run.Method.BeforeOptimizerStep(new TrainingStep(0, int.Parse(words[1]), run.Trainer.Plan));
            var without = run.Method.Trained.named_parameters().Where(p => p.parameter.grad is null);
            Assert.Equal(expected, without.Select(p => p.name["head.".Length..]));
            settings++;
        }

        Assert.Equal(4, settings);
    }

    private static Dictionary<string, Tensor> Network(TinyDino run, string name) =>
        run.Method.State.Single(s => s.Name == name).Tensors.ToDictionary(t => t.Name, t => t.Tensor.detach().clone());
}
