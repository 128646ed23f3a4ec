using System.Globalization;
using DinoSharp.Distributed;

namespace DinoSharp.Training.Runs;

/// <summary>
/// Writes a training into its run folder: metrics, the newest state every so many minutes, a state to keep every so many epochs, and the
/// best one by an evaluation. Everything is saved at the end, when stopped, and before a run fails for a loss that is not finite.
/// </summary>
public sealed class RunRecorder : ITrainingObserver, IDisposable
{
    /// <summary>The epoch under which the score of the untrained network stands.</summary>
    private const int BeforeTraining = -1;

    private readonly RunFolder _folder;
    private readonly TrainingMethod _method;
    private readonly RecordingOptions _options;
    private readonly IReadOnlyDictionary<string, object?> _arguments;
    private readonly TimeProvider _clock;
    private readonly RunScore? _score;
    private readonly ProcessGroup _group;
    private readonly ExchangeMeter _exchange;
    private readonly MetricsLog _metrics;
    private readonly long _firstStep;
    private readonly int _batchSize;
    private long _start;
    private TimeSpan _lastWait;
    private double _best;
    private long _lastSave;
    private long _lastReport;
    private long _lastReportStep;
    private string? _lastDiagnosis;

    /// <param name="folder">where to write</param>
    /// <param name="method">whose state is saved</param>
    /// <param name="batchSize">images a step, for the rate</param>
    /// <param name="stepsDone">where this start of the run begins</param>
    /// <param name="options">how often</param>
    /// <param name="arguments">settings under the reference's names, for the checkpoints</param>
    /// <param name="clock">the wall clock, or a test's</param>
    /// <param name="score">by which the run is judged; null for none</param>
    /// <param name="group">processes that train together, the others of which have a <see cref="RunFollower"/> each; null for none</param>
    public RunRecorder(
        RunFolder folder,
        TrainingMethod method,
        int batchSize,
        long stepsDone,
        RecordingOptions options,
        IReadOnlyDictionary<string, object?> arguments,
        TimeProvider clock,
        RunScore? score = null,
        ProcessGroup? group = null)
    {
        _group = group ?? ProcessGroup.Alone;
        (_folder, _method, _batchSize, _options, _arguments, _clock) = (folder, method, batchSize, options.Validated(), arguments, clock);
        _score = score;
        _exchange = new ExchangeMeter(_group, stepsDone);
        _metrics = new MetricsLog(folder, stepsDone);
        _best = MetricsLog.Read(folder.MetricsFile)
            .Where(line => (int?)line["epoch"] != BeforeTraining)
            .Select(line => score is null ? null : line[score.Name])
            .Select(value => value?.GetValue<double>() ?? double.NegativeInfinity)
            .DefaultIfEmpty(double.NegativeInfinity)
            .Max();
        _firstStep = _lastReportStep = stepsDone;
        _start = _lastSave = _lastReport = clock.GetTimestamp();
    }

    /// <summary>Told of each line of metrics and each message.</summary>
    public Action<RunProgress>? Report { get; init; }

    /// <summary>How long the training has waited for data so far, for the metrics.</summary>
    public Func<TimeSpan>? LoaderWait { get; init; }

    /// <summary>Scores the network as it starts, where evaluations are asked for: it is what the training has to beat.</summary>
    public void BeforeFirstStep(Trainer trainer)
    {
        if (_options.EvaluateEveryEpochs == 0 || _score is null || trainer.StepsDone > 0)
        {
            return;
        }

        bool scored = MetricsLog.Read(_folder.MetricsFile).Any(line => (int?)line["epoch"] == BeforeTraining);
        if (!_group.FirstSays(!scored))
        {
            return;
        }

        double score = _score.Evaluate();
        _metrics.Write(0, BeforeTraining, [(_score.Name, score)]);
        Tell(trainer, [], 0, 0, null, string.Create(CultureInfo.InvariantCulture, $"before training: {_score.Label} {score:F2} %"));
        _start = _lastSave = _lastReport = _clock.GetTimestamp(); // what came so far was no training
    }

    public void AfterStep(StepResult result, Trainer trainer)
    {
        bool epochEnds = trainer.StepsDone % trainer.Plan.StepsPerEpoch == 0;
        if (_options.Logs(trainer))
        {
            Log(result, trainer);
        }

        // At an epoch's end AfterEpoch follows, and must not be lost if the process is killed between the two.
        if (!epochEnds && _clock.GetElapsedTime(_lastSave) >= _options.SaveEvery)
        {
            Save("latest", trainer);
        }
    }

    public void AfterEpoch(int epoch, Trainer trainer)
    {
        bool last = trainer.Finished;
        bool keeps = _options.KeepEveryEpochs > 0 && (epoch + 1) % _options.KeepEveryEpochs == 0;
        if (_options.Evaluates(epoch, trainer) && _score is not null)
        {
            TakeScore(_score, epoch, trainer);
            _lastReport = _clock.GetTimestamp(); // an epoch ends with a report: what came since was no training
        }

        if (keeps)
        {
            Save(string.Create(CultureInfo.InvariantCulture, $"epoch-{epoch + 1:D4}"), trainer);
        }

        if (last || keeps || _clock.GetElapsedTime(_lastSave) >= _options.SaveEvery)
        {
            Save("latest", trainer);
        }
    }

    public void Stopped(Trainer trainer) => Save("latest", trainer);

    public void Diverged(Trainer trainer) => Save("diverged", trainer);

    public void Dispose() => _metrics.Dispose();

    private void Log(StepResult result, Trainer trainer)
    {
        var elapsed = _clock.GetElapsedTime(_lastReport);
        double rate = (trainer.StepsDone - _lastReportStep) * _batchSize / elapsed.TotalSeconds;
        var wait = LoaderWait?.Invoke() ?? TimeSpan.Zero;
        double waitShare = (wait - _lastWait) / elapsed;
        _lastWait = wait;
        (_lastReport, _lastReportStep) = (_clock.GetTimestamp(), trainer.StepsDone);
        var exchanged = _exchange.Take(trainer.StepsDone);
        double? rankWaitShare = exchanged?.WaitedSeconds / elapsed.TotalSeconds;
        IReadOnlyList<(string Name, double Value)> learned = result.Skipped ? [] : _group.Mean(_method.TakeMetrics()); // a skipped step has forgotten them
        _metrics.Write(trainer.StepsDone, result.Step.Epoch,
        [
            .. learned,
            ("learning_rate", result.LearningRate),
            ("weight_decay", result.WeightDecay),
            ("largest_gradient_norm", result.LargestGradientNorm),
            .. trainer.LossScale is { } scale ? [("loss_scale", scale.Factor)] : ((string, double)[])[],
            ("images_per_second", rate),
            ("loader_wait_seconds", wait.TotalSeconds),
            ("loader_wait_share", waitShare),
            .. exchanged is { } cost
                ? [("exchanged_bytes_per_step", cost.BytesPerStep), ("rank_wait_share", rankWaitShare!.Value)]
                : ((string, double)[])[],
        ]);

        string? diagnosis = result.Skipped ? _lastDiagnosis : _method.Diagnose(learned, result.Step);
        Tell(trainer, learned, rate, waitShare, rankWaitShare, diagnosis == _lastDiagnosis ? null : diagnosis);
        _lastDiagnosis = diagnosis;
    }

    private void TakeScore(RunScore by, int epoch, Trainer trainer)
    {
        double score = by.Evaluate();
        bool best = by.KeepsBest && score > _best;
        if (best)
        {
            _best = score;
            Save("best", trainer);
        }

        _metrics.Write(trainer.StepsDone, epoch, [(by.Name, score)]);
        string rank = best ? ", the best so far" : "";
        string message = string.Create(CultureInfo.InvariantCulture, $"epoch {epoch + 1}: {by.Label} {score:F2} %{rank}");
        Tell(trainer, [(by.Name, score)], 0, 0, null, message);
    }

    private void Tell(
        Trainer trainer,
        IReadOnlyList<(string Name, double Value)> metrics,
        double rate,
        double waitShare,
        double? rankWaitShare,
        string? message)
    {
        var perStep = _clock.GetElapsedTime(_start) / Math.Max(trainer.StepsDone - _firstStep, 1);
        Report?.Invoke(new RunProgress(
            trainer.StepsDone,
            trainer.Plan,
            metrics,
            rate,
            waitShare,
            rankWaitShare,
            perStep * (trainer.Plan.TotalSteps - trainer.StepsDone),
            message));
    }

    private void Save(string name, Trainer trainer)
    {
        trainer.Confirm();
        RunCheckpoint.Save(_folder.Checkpoint(name), _method, trainer, _arguments);
        if (name == "latest")
        {
            _lastSave = _clock.GetTimestamp();
        }
    }
}
