using System.Diagnostics;

namespace DinoSharp.Benchmarks;

/// <summary>Times on a machine that others use too: what is compared takes turns in one run, and medians are told.</summary>
internal static class Measure
{
    /// <summary>Seconds of each action, as medians over rounds in which all take their turn, after one round that is not counted.</summary>
    public static double[] InTurns(int rounds, params Action[] actions)
    {
        double[][] seconds = [.. actions.Select(_ => new double[rounds])];
        for (int round = -1; round < rounds; round++)
        {
            for (int i = 0; i < actions.Length; i++)
            {
                long start = Stopwatch.GetTimestamp();
                actions[i]();
                if (round >= 0)
                {
                    seconds[i][round] = Stopwatch.GetElapsedTime(start).TotalSeconds;
                }
            }
        }

        return [.. seconds.Select(Median)];
    }

    public static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
