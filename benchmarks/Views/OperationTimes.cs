using System.Diagnostics;

namespace DinoSharp.Benchmarks.Views;

/// <summary>Time by operation, with what reading the clock costs taken off.</summary>
internal sealed class OperationTimes
{
    private static readonly double Overhead = ClockOverhead();

    private readonly List<(string Name, double Ticks, int Calls)> _operations = [];
    private long _since;

    public IEnumerable<(string Name, double Seconds)> Operations =>
        _operations.Select(o => (o.Name, Math.Max(0, o.Ticks - o.Calls * Overhead) / Stopwatch.Frequency));

    /// <summary>What follows is measured until <see cref="Stop"/>.</summary>
    public void Start() => _since = Stopwatch.GetTimestamp();

    /// <summary>The time since the start, or since the last stop, goes to this operation.</summary>
    public void Stop(string operation)
    {
        long ticks = Stopwatch.GetTimestamp() - _since;
        int at = _operations.FindIndex(o => o.Name == operation);
        if (at < 0)
        {
            _operations.Add((operation, ticks, 1));
        }
        else
        {
            _operations[at] = (operation, _operations[at].Ticks + ticks, _operations[at].Calls + 1);
        }

        _since = Stopwatch.GetTimestamp();
    }

    public void Clear() => _operations.Clear();

    private static double ClockOverhead()
    {
        const int Calls = 100_000;
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Calls; i++)
        {
            _ = Stopwatch.GetTimestamp();
        }

        return (double)(Stopwatch.GetTimestamp() - start) / Calls;
    }
}
