using System.CommandLine;
using DinoSharp.Cli.Commands;
using DinoSharp.Methods;
using DinoSharp.Methods.Dino;
using static DinoSharp.Cli.Commands.OptionFactory;

namespace DinoSharp.Cli.Training;

/// <summary>DINO's options, under the names of the reference's.</summary>
internal sealed class DinoSettingOptions : MethodSettingOptions
{
    private readonly Option<int> _outDim = Value("--out-dim", "outputs K of the head", 65536);
    private readonly Option<int> _headLayers = Value("--head-layers", "linear layers of the head before the last", 3);
    private readonly Option<int> _headHidden = Value("--head-hidden-dim", "width of the head's hidden layers", 2048);
    private readonly Option<int> _headBottleneck = Value("--head-bottleneck-dim", "width of the head's bottleneck", 256);
    private readonly Option<bool> _normLast = Flag("--norm-last-layer", "whether the last layer's magnitudes stay at 1", true);
    private readonly Option<bool> _headBatchNorm = Flag("--use-bn-in-head", "whether the head has batch norm");
    private readonly Option<double> _studentTemp = Value("--student-temp", "temperature of the student", 0.1);
    private readonly Option<double> _warmupTeacherTemp = Value("--warmup-teacher-temp", "temperature of the teacher at the start", 0.04);
    private readonly Option<double> _teacherTemp = Value("--teacher-temp", "temperature of the teacher after its warm-up", 0.04);
    private readonly Option<int> _warmupTeacherTempEpochs = Value(
        "--warmup-teacher-temp-epochs", "epochs of the teacher temperature's warm-up", 0);
    private readonly Option<double> _momentumTeacher = Value(
        "--momentum-teacher", "momentum of the teacher's average at the start; it goes to 1", 0.996);
    private readonly Option<double> _centerMomentum = Value("--center-momentum", "momentum of the centre", 0.9);
    private readonly Option<bool> _centering = Flag("--centering", "whether the teacher's outputs are centred", true);
    private readonly Option<bool> _sharpening = Flag("--sharpening", "whether the teacher's temperature is below the student's", true);
    private readonly Option<StudentCrops> _studentCrops = Choice(
        "--student-crops", "what the student sees", StudentCrops.All, ("all", StudentCrops.All), ("local", StudentCrops.Local));
    private readonly Option<TeacherKind> _teacher = Choice(
        "--teacher",
        "what the teacher is",
        TeacherKind.Momentum,
        ("momentum", TeacherKind.Momentum),
        ("previous-epoch", TeacherKind.PreviousEpoch),
        ("previous-step", TeacherKind.PreviousStep),
        ("student", TeacherKind.Student));
    private readonly Option<int> _freezeLast = Value("--freeze-last-layer", "epochs in which the head's last layer does not move", 1);

    public override IReadOnlyList<Option> All =>
    [
        _outDim, _headLayers, _headHidden, _headBottleneck, _normLast, _headBatchNorm, _freezeLast, _studentTemp, _teacherTemp,
        _warmupTeacherTemp, _warmupTeacherTempEpochs, _momentumTeacher, _centerMomentum, _centering, _sharpening, _studentCrops, _teacher,
    ];

    public override MethodOptions Read(ParseResult parsed, MethodOptions chosen)
    {
        var dino = (DinoOptions)chosen;
        return dino with
        {
            Head = dino.Head with
            {
                OutputDim = parsed.Or(_outDim, dino.Head.OutputDim),
                Layers = parsed.Or(_headLayers, dino.Head.Layers),
                HiddenDim = parsed.Or(_headHidden, dino.Head.HiddenDim),
                BottleneckDim = parsed.Or(_headBottleneck, dino.Head.BottleneckDim),
                FreezeMagnitude = parsed.Or(_normLast, dino.Head.FreezeMagnitude),
                BatchNorm = parsed.Or(_headBatchNorm, dino.Head.BatchNorm),
            },
            StudentTemperature = parsed.Or(_studentTemp, dino.StudentTemperature),
            WarmupTeacherTemperature = parsed.Or(_warmupTeacherTemp, dino.WarmupTeacherTemperature),
            TeacherTemperature = parsed.Or(_teacherTemp, dino.TeacherTemperature),
            WarmupTeacherTemperatureEpochs = parsed.Or(_warmupTeacherTempEpochs, dino.WarmupTeacherTemperatureEpochs),
            TeacherMomentum = parsed.Or(_momentumTeacher, dino.TeacherMomentum),
            CenterMomentum = parsed.Or(_centerMomentum, dino.CenterMomentum),
            Centering = parsed.Or(_centering, dino.Centering),
            Sharpening = parsed.Or(_sharpening, dino.Sharpening),
            StudentSees = parsed.Or(_studentCrops, dino.StudentSees),
            Teacher = parsed.Or(_teacher, dino.Teacher),
            FreezeLastLayerEpochs = parsed.Or(_freezeLast, dino.FreezeLastLayerEpochs),
        };
    }
}
