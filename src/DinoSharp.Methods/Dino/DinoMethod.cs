using DinoSharp.Distributed;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Heads;
using DinoSharp.Training;
using DinoSharp.Training.Schedules;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Dino;

/// <summary>Self-distillation with no labels (arXiv 2104.14294, algorithm 1).</summary>
public sealed class DinoMethod : TrainingMethod
{
    private const string EntropyName = "teacher_entropy";
    private const string InformationName = "teacher_information";

    /// <summary>What the teacher sees.</summary>
    private const int GlobalCrops = 2;

    private readonly DinoOptions _options;
    private readonly ProcessGroup _group;
    private readonly int _localCrops;
    private readonly DinoHead _studentHead;
    private readonly MultiCropEncoder _student;
    private readonly MultiCropEncoder _teacher;
    private readonly DinoLoss _loss;
    private readonly CosineSchedule _teacherMomentum;
    private readonly MeanLoss _meanLoss;
    private readonly OutputInformation _information;

    /// <param name="studentBackbone">network that trains, with stochastic depth if wanted</param>
    /// <param name="teacherBackbone">network of the same shape, without stochastic depth; its values are replaced by the student's</param>
    /// <param name="options">settings of the method</param>
    /// <param name="localCrops">local crops of an image, 0 or more</param>
    /// <param name="plan">length of the training, for the schedules</param>
    /// <param name="device">where it all lives</param>
    /// <param name="share">which images of a batch are this process's; null for all</param>
    public DinoMethod(
        Backbone studentBackbone,
        Backbone teacherBackbone,
        DinoOptions options,
        int localCrops,
        TrainingPlan plan,
        Device device,
        BatchShare? share = null)
    {
        options.Validate();
        _options = options;
        if (options.StudentSees == StudentCrops.Local && localCrops == 0)
        {
            throw new ArgumentException("a student that sees local crops only needs local crops");
        }

        _studentHead = new DinoHead(studentBackbone.FeatureDim, options.Head);
        _student = new MultiCropEncoder(studentBackbone, _studentHead);
        _teacher = new MultiCropEncoder(teacherBackbone, new DinoHead(teacherBackbone.FeatureDim, options.Head));
        _student.to(device);
        _teacher.to(device);
        _group = share?.Group ?? ProcessGroup.Alone;
        _student.ShareBatch(share);
        _teacher.ShareBatch(share);
        MovingAverage.Start(_teacher, _student);
        _localCrops = localCrops;
        int studentCrops = options.StudentSees == StudentCrops.All ? GlobalCrops + localCrops : localCrops;
        _loss = new DinoLoss(options, studentCrops, device);
        _meanLoss = new MeanLoss(1, device);
        _information = new OutputInformation(options.Head.OutputDim, device);
        _teacherMomentum = new CosineSchedule(options.TeacherMomentum, 1, plan.TotalSteps);
        State =
        [
            StateSection.Of("student", _student, prefix: "module."),
            StateSection.Of("teacher", _teacher),
            new("dino_loss", "", [("center", _loss.Center)]),
        ];
    }

    public override nn.Module Trained => _student;

    /// <summary>The teacher's backbone: it is better than the student's throughout (section 5.2, figure 6).</summary>
    public override Backbone Backbone => _teacher.Backbone;

    public override IReadOnlyList<StateSection> State { get; }

    public override void BeginEpoch(int epoch, IEnumerable<TrainingBatch> batches)
    {
        if (_options.Teacher == TeacherKind.PreviousEpoch)
        {
            MovingAverage.Copy(_teacher, _student);
        }
    }

    public override Tensor Loss(TrainingBatch batch, TrainingStep step)
    {
        var crops = batch.Crops;
        using var scope = NewDisposeScope();
        // Global and local crops of one size come in one tensor.
        int views = GlobalCrops + _localCrops;
        IReadOnlyList<Tensor> apart = crops.Count == 1 && _localCrops > 0
            ? crops[0].split([GlobalCrops * crops[0].size(0) / views, _localCrops * crops[0].size(0) / views])
            : crops;
        Tensor teacherLogits; // [2 B, K]
        using (no_grad())
        {
            teacherLogits = _teacher.Forward([apart[0]]);
        }

        var studentLogits = _student.Forward(_options.StudentSees == StudentCrops.All ? crops : [.. apart.Skip(1)]); // [V B, K]
        var terms = _loss.Compute(studentLogits, teacherLogits, step.Epoch);
        _meanLoss.Add(terms.Loss.detach());
        _information.Add(terms.TeacherEntropy, terms.TeacherShares);
        return terms.Loss.MoveToOuterDisposeScope();
    }

    public override void BeforeOptimizerStep(TrainingStep step)
    {
        if (_options.Teacher == TeacherKind.PreviousStep)
        {
            MovingAverage.Copy(_teacher, _student);
        }

        if (step.Epoch < _options.FreezeLastLayerEpochs)
        {
            foreach (var parameter in _studentHead.LastLayerParameters)
            {
                parameter.grad = null;
            }
        }
    }

    public override void AfterOptimizerStep(TrainingStep step)
    {
        _loss.UpdateCenter(_group);
        switch (_options.Teacher)
        {
            case TeacherKind.Momentum:
                MovingAverage.Update(_teacher, _student, _teacherMomentum.At(step.Index));
                break;
            case TeacherKind.Student:
                MovingAverage.Copy(_teacher, _student);
                break;
        }
    }

    public override void AbandonStep()
    {
        _loss.ForgetTeacher();
        _meanLoss.Forget();
        _information.Forget();
    }

    /// <returns>
    /// in nats: loss; mean entropy of the teacher's distributions; its divergence from the student's; and the information that the
    /// teacher's output has of the image, the entropy of its mean distribution less its mean entropy: 0 when it says the same of all
    /// </returns>
    public override IReadOnlyList<(string Name, double Value)> TakeMetrics()
    {
        double loss = _meanLoss.Take()[0];
        var (entropy, information) = _information.Take();
        return [("loss", loss), (EntropyName, entropy), ("kl", loss - entropy), (InformationName, information)];
    }

    /// <summary>
    /// Collapse (section 5.3): the teacher says the same of every image. Its kinds are all outputs alike, as without sharpening, and one
    /// output alone, as without centring; without either it can be any fixed distribution. None is judged before the network had time to
    /// leave its start.
    /// </summary>
    public override string? Diagnose(IReadOnlyList<(string Name, double Value)> metrics, TrainingStep step)
    {
        const double nothing = 0.01;
        double highest = Math.Log(_options.Head.OutputDim);
        double entropy = metrics.First(m => m.Name == EntropyName).Value;
        double information = metrics.First(m => m.Name == InformationName).Value;
        if (step.Epoch <= _options.FreezeLastLayerEpochs || !OutputInformation.IsCollapsed(information, step))
        {
            return null;
        }

        return
            entropy > (1 - nothing) * highest ? "collapse: the teacher gives all outputs the same share (entropy ln K). "
                + "Lower --teacher-temp and --warmup-teacher-temp, raise --lr, or use fewer outputs (--out-dim)" :
            entropy < nothing ? "collapse: the teacher gives everything to one output (entropy 0). "
                + "Keep centring on, raise --teacher-temp or --momentum-teacher, or lower --lr" :
            "collapse: the teacher gives every image the same distribution. Keep centring and sharpening on, or lower --lr";
    }

    public override void Dispose()
    {
        _student.Dispose();
        _teacher.Dispose();
        _loss.Dispose();
        _meanLoss.Dispose();
        _information.Dispose();
    }
}
