using DinoSharp.Checkpoints;
using DinoSharp.Models.Backbones;
using DinoSharp.Tests;
using DinoSharp.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Training.Tests;

/// <summary>What a run leaves in its folder and when, by a clock of a minute a step; and that a kill costs nothing.</summary>
public sealed class RunRecorderTests
{
    private static readonly TrainingOptions Training = new() { Epochs = 4, BatchSize = 4, WarmupEpochs = 0, LearningRate = 0.1 };
    private static readonly TrainingPlan Plan = new(Epochs: 4, StepsPerEpoch: 4);
    private static readonly RecordingOptions Recording = new()
    {
        LogEverySteps = 1,
        SaveEvery = TimeSpan.FromMinutes(2.5),
        KeepEveryEpochs = 2,
        EvaluateEveryEpochs = 1,
    };

    [Fact]
    public void States_are_saved_by_minutes_and_kept_by_epochs()
    {
        using TestFolder folder = new();
        var saved = new List<long>();
        using Start run = new(folder.Path, Recording with { EvaluateEveryEpochs = 0 }) { AfterBatch = LatestStep };
        run.Finish();
        // Three minutes after a save the next one is due, but at an epoch's end it waits for what the end does.
        Assert.Equal([3, 6, 8, 11, 14, 16], saved.Distinct());
        Assert.Equal(["epoch-0002.pth", "epoch-0004.pth", "latest.pth"], run.Checkpoints());
        Assert.Equal(8, StepOf(run.Folder.Checkpoint("epoch-0002")));

        using TestFolder each = new();
        using Start always = new(each.Path, Recording with { SaveEvery = TimeSpan.Zero, KeepEveryEpochs = 0 });
        always.Finish(steps: 2);
        Assert.Equal(2, StepOf(always.Folder.LatestCheckpoint));

        void LatestStep(Start current)
        {
            if (File.Exists(current.Folder.LatestCheckpoint))
            {
                saved.Add(StepOf(current.Folder.LatestCheckpoint));
            }
        }
    }

    [Fact]
    public void The_best_score_is_remembered_by_a_run_that_goes_on()
    {
        using TestFolder folder = new();
        double[] scores = [20, 30, 25, 31];
        var messages = new List<string>();
        using (Start first = new(folder.Path, Recording) { Score = epoch => scores[epoch] })
        {
            first.Finish(steps: 9);
            Assert.Equal(8, StepOf(first.Folder.Checkpoint("best")));
        }

        using Start second = new(folder.Path, Recording) { Score = epoch => scores[epoch], Told = messages.Add };
        second.Finish(steps: 13);
        Assert.Equal(8, StepOf(second.Folder.Checkpoint("best")));
        second.Finish();
        Assert.Equal(16, StepOf(second.Folder.Checkpoint("best")));
        Assert.Equal(["epoch 3: k-NN top-1 25.00 %", "epoch 4: k-NN top-1 31.00 %, the best so far"], messages);
        Assert.Equal(scores, MetricsLog.Read(second.Folder.MetricsFile).Select(line => (double?)line["knn_top1"]).OfType<double>());
    }

    [Fact]
    public void A_diagnosis_is_told_once_while_it_lasts()
    {
        using TestFolder folder = new();
        var messages = new List<string>();
        using Start run = new(folder.Path, Recording with { EvaluateEveryEpochs = 0 }) { Told = messages.Add };
        run.AfterBatch = current => current.Method.Diagnosis = current.Trainer.StepsDone is 3 or 4 or 8 ? "collapse" : null;
        run.Finish();
        Assert.Equal(["collapse", "collapse"], messages);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_training_that_diverges_leaves_the_state_of_the_last_good_step(bool loss)
    {
        using var scope = NewDisposeScope();
        using TestFolder folder = new(), goodFolder = new();
        using Start good = new(goodFolder.Path, Recording with { EvaluateEveryEpochs = 0 });
        good.Finish(steps: 6);
        using Start run =
            new(folder.Path, Recording with { EvaluateEveryEpochs = 0 }, badLoss: loss ? 6 : null, badGradient: loss ? null : 6);
        Assert.Throws<TrainingDivergedException>(() => run.Finish());

        using TinyMethod method = new();
        using Trainer trainer = new(method, Training, Plan);
        RunCheckpoint.Load(run.Folder.Checkpoint("diverged"), method, trainer);
        Assert.Equal(6, trainer.StepsDone);
        Assert.All(good.Method.Parameters.Zip(method.Parameters), p => Golden.AssertClose(p.First, p.Second, 0, "parameter"));
        Assert.Equal(6, MetricsLog.Read(run.Folder.MetricsFile).Last()["step"]!.GetValue<long>());
    }

    /// <summary>A step that nobody has looked at yet is looked at before it is saved.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_is_not_finite_is_never_saved_however_seldom_steps_are_looked_at(bool loss)
    {
        using var scope = NewDisposeScope();
        using TestFolder folder = new();
        using Start run = new(
            folder.Path, Recording with { EvaluateEveryEpochs = 0 }, badLoss: loss ? 5 : null, badGradient: loss ? null : 5, readEverySteps: 1000);
        Assert.Throws<TrainingDivergedException>(() => run.Finish());
        Assert.Equal(6, run.Trainer.StepsDone);
        Assert.Equal(["latest.pth"], run.Checkpoints());
        Assert.Equal(3, StepOf(run.Folder.LatestCheckpoint));
    }

    /// <summary>Killed wherever the recorder calls out: before a batch, a metrics line, an evaluation, and after each of them.</summary>
    [Fact]
    public void A_run_killed_anywhere_and_started_again_leaves_what_one_never_stopped_does()
    {
        using var scope = NewDisposeScope();
        using TestFolder straightFolder = new();
        using Start straight = new(straightFolder.Path, Recording) { Score = Score };
        straight.Finish();
        string[] expected = [.. Lines(straight.Folder)];
        Assert.Equal(16 + 4, expected.Length);

        int kills = 0;
        for (int call = 1; ; call++, kills++)
        {
            using TestFolder folder = new();
            using (Start killed = new(folder.Path, Recording) { Score = Score, KillAtCall = call })
            {
                try
                {
                    killed.Finish();
                    break;
                }
                catch (KilledException)
                {
                    File.AppendAllText(killed.Folder.MetricsFile, "{\"step\":16,\"ep");
                }
            }

            using Start again = new(folder.Path, Recording) { Score = Score };
            again.Finish();
            Assert.Equal(expected, Lines(again.Folder));
            Assert.Equal(straight.Checkpoints(), again.Checkpoints());
            foreach (string name in again.Checkpoints())
            {
                string stem = name[..^4];
                AssertSameTensors(straight.Folder.Checkpoint(stem), again.Folder.Checkpoint(stem), $"{name}, killed at call {call}");
            }
        }

        Assert.Equal(16 + 16 + 16 + 4 + 4, kills); // batches, waits, reports; evaluations and their reports

        static double Score(int epoch) => epoch == 2 ? 50 : epoch;
    }

    /// <summary>Lines of metrics without what depends on the clock.</summary>
    private static IEnumerable<string> Lines(RunFolder folder) => MetricsLog.Read(folder.MetricsFile).Select(line =>
    {
        line.Remove("images_per_second");
        return line.ToJsonString();
    });

    private static long StepOf(string path)
    {
        var root = (OrderedDictionary<object, object?>)TorchFile.Read(path)!;
        return (long)((OrderedDictionary<object, object?>)root["dinosharp"]!)["step"]!;
    }

    private static void AssertSameTensors(string expected, string actual, string what)
    {
        var (first, second) = (Arrays(TorchFile.Read(expected)).ToArray(), Arrays(TorchFile.Read(actual)).ToArray());
        Assert.NotEmpty(first);
        Assert.Equal(first.Length, second.Length);
        Assert.True(first.Zip(second).All(p => p.First.Bytes.Span.SequenceEqual(p.Second.Bytes.Span)), what);
        Assert.Equal(StepOf(expected), StepOf(actual));
    }

    private static IEnumerable<ArrayData> Arrays(object? value) => value switch
    {
        ArrayData array => [array],
        OrderedDictionary<object, object?> dictionary => dictionary.Values.SelectMany(Arrays),
        _ => [],
    };

    private sealed class KilledException : Exception;

    private sealed class MinuteClock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }

    /// <summary>One start of a run in a folder, as the command line makes it: from the newest checkpoint, if there is one.</summary>
    private sealed class Start : IDisposable
    {
        private readonly MinuteClock _clock = new();
        private readonly RunRecorder _recorder;
        private int _calls;

        public Start(string path, RecordingOptions options, long? badLoss = null, long? badGradient = null, int readEverySteps = 1)
        {
            Folder = RunFolder.Open(path, []);
            Folder.Begin([], []);
            Method = new TinyMethod { BadLoss = badLoss, BadGradient = badGradient };
            Trainer = new Trainer(Method, Training, Plan) { ReadEverySteps = readEverySteps };
            if (File.Exists(Folder.LatestCheckpoint))
            {
                RunCheckpoint.Load(Folder.LatestCheckpoint, Method, Trainer);
            }

            _recorder = new RunRecorder(Folder, Method, 4, Trainer.StepsDone, options, new Dictionary<string, object?>(), _clock,
                new RunScore("knn_top1", "k-NN top-1", Evaluate))
            {
                Report = Report,
                LoaderWait = LoaderWait,
            };
        }

        public RunFolder Folder { get; }

        public TinyMethod Method { get; }

        public Trainer Trainer { get; }

        public Action<Start>? AfterBatch { get; set; }

        public Func<int, double>? Score { get; init; }

        public Action<string>? Told { get; init; }

        public int KillAtCall { get; init; }

        public void Finish(long steps = 16)
        {
            using CancellationTokenSource stop = new();
            Trainer.Run(Batches, _recorder, stop.Token);

            IEnumerable<TrainingBatch> Batches(int epoch, int first)
            {
                for (int batch = first; batch < Plan.StepsPerEpoch; batch++)
                {
                    Call();
                    _clock.Now += TimeSpan.FromMinutes(1);
                    if (Trainer.StepsDone == steps - 1)
                    {
                        stop.Cancel();
                    }

                    var crops = TinyMethod.Crops(epoch, batch);
                    try
                    {
                        yield return new TrainingBatch(crops, []);
                    }
                    finally
                    {
                        crops[0].Dispose();
                        AfterBatch?.Invoke(this);
                    }
                }
            }
        }

        public string[] Checkpoints()
        {
            string[] paths = Directory.GetFiles(Path.GetDirectoryName(Folder.LatestCheckpoint)!);
            return [.. paths.Select(p => Path.GetFileName(p)).Order(StringComparer.Ordinal)];
        }

        public void Dispose()
        {
            _recorder.Dispose();
            Trainer.Dispose();
            Method.Dispose();
        }

        private double Evaluate()
        {
            Call();
            return Score?.Invoke((int)(Trainer.StepsDone / Plan.StepsPerEpoch) - 1) ?? 0;
        }

        private void Report(RunProgress progress)
        {
            Call();
            if (progress.Message is { } message)
            {
                Told?.Invoke(message);
            }
        }

        private TimeSpan LoaderWait()
        {
            Call();
            return TimeSpan.Zero;
        }

        private void Call()
        {
            if (++_calls == KillAtCall)
            {
                throw new KilledException();
            }
        }
    }
}
