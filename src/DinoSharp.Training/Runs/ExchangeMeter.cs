using DinoSharp.Distributed;

namespace DinoSharp.Training.Runs;

/// <summary>What the exchange between processes takes of a training, for the metrics.</summary>
internal sealed class ExchangeMeter(ProcessGroup group, long stepsDone)
{
    private ExchangeCost _last = group.Cost;
    private long _lastStep = stepsDone;

    /// <summary>
    /// Means over the processes since the last call: bytes that come to one in a step, and seconds that it waited. All processes ask at the
    /// same steps; for one that is alone there is nothing.
    /// </summary>
    public (double BytesPerStep, double WaitedSeconds)? Take(long stepsDone)
    {
        if (group.Size == 1)
        {
            return null;
        }

        var cost = group.Cost;
        double bytes = (double)(cost.Bytes - _last.Bytes) / (stepsDone - _lastStep);
        double waited = (cost.Waited - _last.Waited).TotalSeconds;
        (_last, _lastStep) = (cost, stepsDone);
        var means = group.Mean([("bytes", bytes), ("waited", waited)]);
        return (means[0].Value, means[1].Value);
    }
}
