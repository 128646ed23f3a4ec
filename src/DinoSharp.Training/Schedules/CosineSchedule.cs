namespace DinoSharp.Training.Schedules;

/// <summary>
/// A value per step: a straight warm-up, then half a cosine from the base to the final value. As in the reference the warm-up
/// includes both its ends, so the base value comes twice, and the final value is never quite reached.
/// </summary>
public sealed class CosineSchedule
{
    private readonly double _base;
    private readonly double _final;
    private readonly double _start;
    private readonly long _warmupSteps;

    /// <param name="baseValue">value at the end of the warm-up</param>
    /// <param name="finalValue">value the cosine goes to</param>
    /// <param name="totalSteps">length of the schedule, warm-up included</param>
    /// <param name="warmupSteps">length of the warm-up</param>
    /// <param name="startValue">first value of the warm-up</param>
    public CosineSchedule(double baseValue, double finalValue, long totalSteps, long warmupSteps = 0, double startValue = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(warmupSteps);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(warmupSteps, totalSteps);
        _base = baseValue;
        _final = finalValue;
        _start = startValue;
        _warmupSteps = warmupSteps;
        Length = totalSteps;
    }

    /// <summary>Number of steps.</summary>
    public long Length { get; }

    /// <summary>The value at a step from 0 to <see cref="Length"/> - 1.</summary>
    public double At(long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(step, Length);
        return step < _warmupSteps
            ? LinearWarmup.At(_start, _base, _warmupSteps, step)
            : _final + 0.5 * (_base - _final) * (1 + Math.Cos(Math.PI * (step - _warmupSteps) / (Length - _warmupSteps)));
    }
}
