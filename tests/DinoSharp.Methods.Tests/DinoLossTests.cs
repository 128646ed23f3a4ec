using DinoSharp.Methods.Dino;
using DinoSharp.Tests;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests;

/// <summary>The reference's loss over four successive calls (fixtures/head-loss), and the switches that it does not have.</summary>
public sealed class DinoLossTests
{
    private static readonly DinoOptions Options = new()
    {
        Head = new() { OutputDim = 96 },
        WarmupTeacherTemperature = 0.04,
        TeacherTemperature = 0.07,
        WarmupTeacherTemperatureEpochs = 3,
    };

    [Fact]
    public void Loss_gradient_temperature_and_centre_are_the_references()
    {
        using var scope = NewDisposeScope();
        using var golden = Golden.Read("head-loss/loss.safetensors");
        using var loss = new DinoLoss(Options, studentViews: 5, CPU);
        int index = 0;
        foreach (var call in Golden.Json("head-loss/loss.json").GetProperty("calls").EnumerateArray())
        {
            int epoch = call.GetProperty("epoch").GetInt32();
            var student = golden[$"call{index}.student"].clone().requires_grad_();
            var terms = loss.Compute(student, golden[$"call{index}.teacher"], epoch);
            terms.Loss.backward();
            loss.UpdateCenter();

            Assert.Equal(call.GetProperty("teacher-temperature").GetDouble(), loss.TeacherTemperature(epoch), 1e-12);
            Assert.Equal(call.GetProperty("loss").GetDouble(), terms.Loss.item<float>(), 1e-4);
            Golden.AssertClose(golden[$"call{index}.grad-student"], student.grad!, 5e-5, $"gradient of call {index}");
            Golden.AssertClose(golden[$"call{index}.center-after"], loss.Center, 1e-5, $"centre after call {index}");
            index++;
        }

        Assert.Equal(4, index);
    }

    [Fact]
    public void Accumulated_parts_move_the_centre_as_one_batch_does()
    {
        using var scope = NewDisposeScope();
        using var whole = new DinoLoss(Options, 2, CPU);
        using var parts = new DinoLoss(Options, 2, CPU);
        var (student, teacher) = (randn(2, 6, 96), randn(2, 6, 96)); // [V, B, K]
        double expected = whole.Compute(student.view(12, 96), teacher.view(12, 96), 0).Loss.item<float>();
        whole.UpdateCenter();
        double sum = 0;
        for (int part = 0; part < 3; part++)
        {
            sum += parts.Compute(
                student.narrow(1, part * 2, 2).reshape(4, 96), teacher.narrow(1, part * 2, 2).reshape(4, 96), 0).Loss.item<float>();
        }

        parts.UpdateCenter();
        Assert.Equal(expected, sum / 3, 1e-5);
        Golden.AssertClose(whole.Center, parts.Center, 1e-6, "centre");
    }

    [Fact]
    public void A_student_of_local_crops_only_is_compared_with_both_global_views()
    {
        using var scope = NewDisposeScope();
        using var loss = new DinoLoss(Options with { StudentSees = StudentCrops.Local }, studentViews: 3, CPU);
        var (student, teacher) = (randn(3, 4, 96), randn(2, 4, 96));
        var terms = loss.Compute(student.view(12, 96), teacher.view(8, 96), epoch: 5);
        double expected = 0;
        for (int q = 0; q < 2; q++)
        {
            for (int v = 0; v < 3; v++)
            {
                expected -= ((teacher[q] / 0.07).softmax(-1) * (student[v] / 0.1).log_softmax(-1)).sum(-1).mean().item<float>() / 6;
            }
        }

        Assert.Equal(expected, terms.Loss.item<float>(), 1e-4);
    }

    [Fact]
    public void Switches_turn_off_centring_and_sharpening()
    {
        using var scope = NewDisposeScope();
        using var loss = new DinoLoss(Options with { Centering = false, Sharpening = false }, studentViews: 2, CPU);
        var logits = randn(4, 96);
        var terms = loss.Compute(logits, logits, 0);
        loss.UpdateCenter();
        Assert.Equal(0, loss.Center.abs().sum().item<float>());
        Assert.Equal(Options.StudentTemperature, loss.TeacherTemperature(0));
        var same = (logits / 0.1).softmax(-1);
        Assert.Equal(-(same * same.log()).sum(-1).mean().item<float>(), terms.TeacherEntropy.item<float>(), 1e-4);
    }
}
