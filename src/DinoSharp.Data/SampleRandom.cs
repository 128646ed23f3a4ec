namespace DinoSharp.Data;

/// <summary>
/// Random numbers that depend on nothing but what they are for: the run's seed, the epoch, the sample and the view. So they are the same
/// whichever thread draws them, and after a run is resumed. SplitMix64 (Steele, Lea and Flood 2014): a counter, mixed.
/// </summary>
/// <remarks>A mutable struct: pass it by reference, for a copy repeats the original's numbers.</remarks>
public struct SampleRandom
{
    private const ulong Increment = 0x9E3779B97F4A7C15;

    private ulong _state;

    public SampleRandom(ulong seed, long epoch, long index, int view)
    {
        _state = Mix(seed + Increment);
        _state = Mix(_state + (ulong)epoch + Increment);
        _state = Mix(_state + (ulong)index + Increment);
        _state = Mix(_state + (ulong)view + Increment);
    }

    /// <summary>Uniform in [0, 1).</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [low, high).</summary>
    public double Uniform(double low, double high) => low + (high - low) * NextDouble();

    /// <summary>Uniform among the integers from 0 to below <paramref name="exclusiveMax"/>, which is positive.</summary>
    public int NextInt(int exclusiveMax)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(exclusiveMax, 1);
        return (int)Math.BigMul(NextUInt64(), (ulong)exclusiveMax, out _);
    }

    /// <summary>True with probability <paramref name="p"/>.</summary>
    public bool Chance(double p) => NextDouble() < p;

    /// <summary>Of the standard normal distribution, by Box and Muller's transform.</summary>
    public double Normal() => Math.Sqrt(-2 * Math.Log(1 - NextDouble())) * Math.Cos(2 * Math.PI * NextDouble());

    private ulong NextUInt64() => Mix(_state += Increment);

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
