using DinoSharp.Distributed;
using DinoSharp.Models;
using DinoSharp.Models.Layers;
using DinoSharp.Training.Optimizers;
using DinoSharp.Training.Schedules;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Training;

/// <summary>The one training loop: a step is loss, backward, clip, optimizer, method's own update, each with its schedule's value.</summary>
public sealed class Trainer : IDisposable
{
    private readonly TrainingMethod _method;
    private readonly TrainingOptions _options;
    private readonly ProcessGroup _group;
    private readonly Parameter[] _parameters;
    private readonly GradientAverage? _average;
    private readonly CosineSchedule _learningRate;
    private readonly CosineSchedule _weightDecay;
    private readonly StepNumbers _numbers;
    private CancellationToken _stop;
    private bool _stopAgreed;
    private bool _stopWished;
    private long _unread;

    /// <param name="method">what learns</param>
    /// <param name="options">settings of the loop</param>
    /// <param name="plan">how long it is</param>
    /// <param name="group">processes that share each batch; null for one that has all of it</param>
    public Trainer(TrainingMethod method, TrainingOptions options, TrainingPlan plan, ProcessGroup? group = null)
    {
        _method = method;
        _group = group ?? ProcessGroup.Alone;
        _options = options.Validated();
        if (options.BatchSize % (options.AccumulationSteps * _group.Size) != 0)
        {
            throw new ArgumentException(
                $"a batch of {options.BatchSize} images does not go into {_group.Size} processes of {options.AccumulationSteps} equal parts: " +
                "change --batch-size or --accumulation-steps");
        }

        Plan = plan;
        Optimizer = TrainingOptimizer.Create(options.Optimizer, method.Groups);
        _parameters = [.. Optimizer.Groups.All.Select(p => p.Parameter)];
        _learningRate = new CosineSchedule(
            options.ScaledLearningRate, options.MinLearningRate, plan.TotalSteps, (long)(options.EffectiveWarmupEpochs * plan.StepsPerEpoch));
        _weightDecay = new CosineSchedule(options.WeightDecay, options.WeightDecayEnd, plan.TotalSteps);
        _average = _group.Size > 1 ? new GradientAverage(_group, _parameters) : null;
        _numbers = new StepNumbers(_parameters[0].device);
        LossScale = options.Precision == Precision.Fp16 ? new LossScale() : null;
    }

    /// <summary>Whether gradients go to the other processes while the backward pass computes more of them, or when it is done.</summary>
    public bool SendsEarly { get; set; } = true;

    /// <summary>Moves the parameters; its state is part of a checkpoint.</summary>
    public TrainingOptimizer Optimizer { get; }

    /// <summary>What half precision multiplies the loss by, part of a checkpoint; null in other precisions.</summary>
    public LossScale? LossScale { get; }

    /// <summary>How long the training is.</summary>
    public TrainingPlan Plan { get; }

    /// <summary>Learning rate of the last step.</summary>
    public double LearningRate { get; private set; }

    /// <summary>Weight decay of the last step.</summary>
    public double WeightDecay { get; private set; }

    /// <summary>Optimizer steps done.</summary>
    public long StepsDone { get; internal set; }

    /// <summary>
    /// Steps of which the last one's loss and gradient norm are looked at; those of an epoch's last step are, too. 1 judges each step before
    /// anything moves. A larger number keeps a GPU from being waited for: a loss that is not finite is then found later, but before anything of it is
    /// saved (<see cref="Confirm"/>). In half precision each step is looked at, as its gradients may overflow.
    /// </summary>
    public int ReadEverySteps { get; init; } = 1;

    /// <summary>Whether the plan is fulfilled.</summary>
    public bool Finished => StepsDone == Plan.TotalSteps;

    /// <summary>Runs through batches until the plan is fulfilled or a stop is asked for.</summary>
    /// <param name="batches">the batches of an epoch from a given one on</param>
    /// <param name="observer">told of each step; it logs, evaluates and saves</param>
    /// <param name="stop">asked for by a signal; the step under way is finished</param>
    /// <exception cref="TrainingDivergedException">The loss or a gradient is not a finite number.</exception>
    /// <exception cref="InvalidOperationException">The batches of an epoch ended before the plan's number of them.</exception>
    public void Run(
        Func<int, int, IEnumerable<TrainingBatch>> batches, ITrainingObserver observer, CancellationToken stop = default)
    {
        _stop = stop;
        while (!Finished)
        {
            if (!RunEpoch(batches, observer))
            {
                return;
            }
        }
    }

    /// <summary>One optimizer step.</summary>
    /// <remarks>
    /// In half precision a loss or gradient that is not finite is expected now and then. Such a batch is passed over: schedules and order go on,
    /// and nothing else of the training has seen it. It has diverged where there is no loss scale left to halve.
    /// </remarks>
    /// <exception cref="TrainingDivergedException">The loss or a gradient is not a finite number; nothing has moved.</exception>
    public StepResult Step(TrainingBatch batch)
    {
        TorchRuntime.Sweep();
        using var scope = NewDisposeScope();
        var step = Plan.StepAfter(StepsDone);
        long scheduled = _options.RateStepsByEpoch ? (long)step.Epoch * Plan.StepsPerEpoch : step.Index;
        (LearningRate, WeightDecay) = (_learningRate.At(scheduled), _weightDecay.At(step.Index));
        // What torch draws in a step (stochastic depth) depends on seed and step alone, so a resumed run draws the same.
        manual_seed(unchecked(_options.Seed * 0x5DEECE66DL + step.Index));

        _numbers.Begin();
        Backward(batch, step);
        _numbers.Wish(_stop.IsCancellationRequested);
        _average?.Average(_numbers.Shared); // and one process that is asked to stop stops all after this step
        LossScale?.Unscale(_parameters);
        _numbers.End(GradientClipping.ClipEach(_parameters, _options.ClipGradient));
        _unread++;
        var (loss, gradientNorm, isFinite) = JudgesEachStep ? Read() : (double.NaN, double.NaN, true);
        _stopAgreed = JudgesEachStep && _stopWished;
        if (!isFinite)
        {
            // One gradient that is not finite would poison weights and moments for good, and only the next loss would show it.
            Optimizer.ClearGradients();
            _method.AbandonStep();
            if (LossScale?.TryHalve() is not true)
            {
                throw new TrainingDivergedException(step.Index, loss, gradientNorm, LearningRate);
            }

            StepsDone++;
            return new StepResult(step, loss, LearningRate, WeightDecay, gradientNorm, Skipped: true);
        }

        _method.BeforeOptimizerStep(step);
        Optimizer.Step(LearningRate, WeightDecay);
        Optimizer.ClearGradients();
        _method.AfterOptimizerStep(step);
        LossScale?.CountGood();
        StepsDone++;
        if (StepsDone % ReadEverySteps == 0 || StepsDone % Plan.StepsPerEpoch == 0)
        {
            (loss, gradientNorm) = Confirm() ?? (loss, gradientNorm);
            _stopAgreed = _stopWished; // here alone, where all processes look at the same step: one may confirm another for itself, to save
        }

        return new StepResult(step, loss, LearningRate, WeightDecay, gradientNorm);
    }

    /// <summary>Looks at the steps that nobody has looked at yet: call it before their outcome is used.</summary>
    /// <returns>loss and gradient norm of the last step; null where there was none to look at</returns>
    /// <exception cref="TrainingDivergedException">A loss or gradient was not a finite number.</exception>
    public (double Loss, double GradientNorm)? Confirm()
    {
        if (_unread == 0)
        {
            return null;
        }

        long judged = _unread;
        var (loss, gradientNorm, isFinite) = Read();
        return isFinite ? (loss, gradientNorm)
            : throw new TrainingDivergedException(StepsDone - 1, loss, gradientNorm, LearningRate, judged);
    }

    public void Dispose()
    {
        Optimizer.Dispose();
        _numbers.Dispose();
    }

    /// <summary>What is left of the epoch under way.</summary>
    /// <returns>false if it was asked to stop</returns>
    private bool RunEpoch(Func<int, int, IEnumerable<TrainingBatch>> batches, ITrainingObserver observer)
    {
        int epoch = Plan.StepAfter(StepsDone).Epoch;
        int batch = (int)(StepsDone % Plan.StepsPerEpoch);
        if (batch == 0)
        {
            using var precision = MixedPrecision.Use(_options.Precision);
            _method.BeginEpoch(epoch, batches(epoch, 0).Take(Plan.StepsPerEpoch));
        }

        foreach (var next in batches(epoch, batch).Take(Plan.StepsPerEpoch - batch))
        {
            observer.AfterStep(StepOrDiverge(next, observer), this);
            if (++batch == Plan.StepsPerEpoch)
            {
                observer.AfterEpoch(epoch, this);
            }

            if (_average is null ? _stop.IsCancellationRequested : _stopAgreed)
            {
                observer.Stopped(this);
                return false;
            }
        }

        return batch == Plan.StepsPerEpoch ? true : throw new InvalidOperationException(
            $"epoch {epoch} gave {batch} of {Plan.StepsPerEpoch} batches: plan the training with as many as the loader gives");
    }

    /// <summary>Loss and gradients of a batch, part after part.</summary>
    private void Backward(TrainingBatch batch, TrainingStep step)
    {
        // All of mixed precision is here and in the layers: parameters, their gradients and what the method computes of outputs are float32.
        using var precision = MixedPrecision.Use(_options.Precision);
        for (int part = 0; part < _options.AccumulationSteps; part++)
        {
            using var scope = NewDisposeScope();
            using var early = SendsEarly && part == _options.AccumulationSteps - 1 ? _average?.SendEarly() : null;
            var partLoss = _method.Loss(Part(batch, part), step) / _options.AccumulationSteps;
            (LossScale is null ? partLoss : partLoss * LossScale.Factor).backward();
            _numbers.Add(partLoss);
        }
    }

    private bool JudgesEachStep => ReadEverySteps == 1 || LossScale is not null;

    /// <summary>Waits for the last step's numbers.</summary>
    private (double Loss, double GradientNorm, bool IsFinite) Read()
    {
        var (loss, stops, gradientNorm, notFinite) = _numbers.Read();
        _group.Trust();
        (_unread, _stopWished) = (0, stops);
        return (loss, gradientNorm, notFinite == 0);
    }

    private StepResult StepOrDiverge(TrainingBatch batch, ITrainingObserver observer)
    {
        try
        {
            return Step(batch);
        }
        catch (TrainingDivergedException) when (JudgesEachStep)
        {
            observer.Diverged(this);
            throw;
        }
    }

    private TrainingBatch Part(TrainingBatch batch, int part) => _options.AccumulationSteps == 1
        ? batch
        : batch.Part(part, _options.BatchSize / _group.Size / _options.AccumulationSteps, _options.BatchSize / _group.Size);
}
