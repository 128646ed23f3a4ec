using System.Diagnostics;
using static TorchSharp.torch;

namespace DinoSharp.Benchmarks;

/// <summary>Times on a machine that others use too: what is compared takes turns in one run, and medians are told.</summary>
internal static class Measure
{
    /// <summary>Seconds of each action, as medians over rounds in which all take their turn, after one round that is not counted.</summary>
    public static double[] InTurns(int rounds, params Action[] actions) =>
        [.. Rounds(rounds, [.. actions.Select<Action, Func<double>>(action => () => Seconds(action))]).Select(Median)];

    /// <summary>What each measurement gives in each of the rounds, after one round that is not counted.</summary>
    public static double[][] Rounds(int rounds, params Func<double>[] measurements)
    {
        double[][] results = [.. measurements.Select(_ => new double[rounds])];
        for (int round = -1; round < rounds; round++)
        {
            for (int i = 0; i < measurements.Length; i++)
            {
                double result = measurements[i]();
                if (round >= 0)
                {
                    results[i][round] = result;
                }
            }
        }

        return results;
    }

    /// <summary>Seconds of a matrix product, the machine's rate at the time.</summary>
    public static double Product(Tensor left, Tensor right) => Seconds(() =>
    {
        using var noGradients = no_grad();
        using var product = left.matmul(right);
    });

    public static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    public static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
