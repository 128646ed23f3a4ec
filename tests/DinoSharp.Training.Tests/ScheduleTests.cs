using DinoSharp.Tests;
using DinoSharp.Training.Schedules;

namespace DinoSharp.Training.Tests;

/// <summary>The reference's schedules, value by value (fixtures/schedules).</summary>
public sealed class ScheduleTests
{
    [Fact]
    public void Cosine_with_warmup_has_the_references_value_at_every_step()
    {
        foreach (var setting in Golden.Json("schedules/schedules.json").GetProperty("cosine").EnumerateArray())
        {
            double[] expected = [.. setting.GetProperty("values").EnumerateArray().Select(v => v.GetDouble())];
            int stepsPerEpoch = setting.GetProperty("niter_per_ep").GetInt32();
            int warmup = setting.TryGetProperty("warmup_epochs", out var epochs) ? epochs.GetInt32() * stepsPerEpoch : 0;
            double start = setting.TryGetProperty("start_warmup_value", out var value) ? value.GetDouble() : 0;
            var schedule = new CosineSchedule(
                setting.GetProperty("base_value").GetDouble(), setting.GetProperty("final_value").GetDouble(), expected.Length, warmup, start);
            for (int i = 0; i < expected.Length; i++)
            {
                Assert.Equal(expected[i], schedule.At(i), Math.Abs(expected[i]) * 1e-12);
            }

            Assert.Throws<ArgumentOutOfRangeException>(() => schedule.At(expected.Length));
        }
    }

    [Fact]
    public void Warmup_longer_than_the_training_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new CosineSchedule(1, 0, totalSteps: 5, warmupSteps: 6));
}
