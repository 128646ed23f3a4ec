using DinoSharp.Distributed;
using DinoSharp.Training.Schedules;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Dino;

/// <summary>
/// Cross-entropy between the teacher's centred and sharpened distribution on one global view and the student's on another view of
/// the same image (arXiv 2104.14294, equations 2 to 4).
/// </summary>
public sealed class DinoLoss : IDisposable
{
    private const int TeacherViews = 2;

    private readonly DinoOptions _options;
    private readonly int _studentViews;
    private readonly Tensor _teacherSum; // [1, K]
    private long _teacherRows;

    /// <param name="options">temperatures, centring, which crops the student sees</param>
    /// <param name="studentViews">crops of an image that pass through the student</param>
    /// <param name="device">where the centre lives</param>
    public DinoLoss(DinoOptions options, int studentViews, Device device)
    {
        _options = options;
        _studentViews = studentViews;
        Center = zeros(1, options.Head.OutputDim, device: device).DetachFromDisposeScope();
        _teacherSum = zeros_like(Center).DetachFromDisposeScope();
    }

    /// <summary>Moving average of the teacher's mean logits // [1, K]</summary>
    public Tensor Center { get; }

    /// <summary>τt in an epoch.</summary>
    public double TeacherTemperature(int epoch)
    {
        if (!_options.Sharpening)
        {
            return _options.StudentTemperature;
        }

        return epoch < _options.WarmupTeacherTemperatureEpochs
            ? LinearWarmup.At(
                _options.WarmupTeacherTemperature, _options.TeacherTemperature, _options.WarmupTeacherTemperatureEpochs, epoch)
            : _options.TeacherTemperature;
    }

    /// <summary>The loss with the centre as it stands; the centre moves only in <see cref="UpdateCenter"/>.</summary>
    /// <param name="student">logits, crop by crop: rows cB to cB + B - 1 are crop c // [V B, K]</param>
    /// <param name="teacher">logits of the two global views // [2 B, K]</param>
    /// <param name="epoch">for the teacher's temperature</param>
    public DinoLossTerms Compute(Tensor student, Tensor teacher, int epoch)
    {
        using var scope = NewDisposeScope();
        long images = teacher.size(0) / TeacherViews;
        Tensor target; // [2, B, K]
        Tensor entropy;
        Tensor shares; // [K]
        using (no_grad())
        {
            var logTarget = ((teacher - Center) / TeacherTemperature(epoch)).log_softmax(-1); // [2 B, K]
            target = logTarget.exp().view(TeacherViews, images, -1);
            entropy = -(target.view_as(logTarget) * logTarget).sum(-1).mean();
            shares = target.mean([0, 1]);
            _teacherSum.add_(teacher.sum(0, keepdim: true));
            _teacherRows += teacher.size(0);
        }

        var logStudent = (student / _options.StudentTemperature).log_softmax(-1).view(_studentViews, images, -1); // [V, B, K]
        // Summed over pairs of views, Σ_q Σ_v q · log p_v = (Σ_q q) · (Σ_v log p_v), less the pairs of a view with itself.
        var agreement = (target.sum(dim: 0) * logStudent.sum(dim: 0)).sum(-1); // [B]
        int pairs = TeacherViews * _studentViews;
        if (_options.StudentSees == StudentCrops.All)
        {
            agreement = agreement - (target * logStudent.narrow(0, 0, TeacherViews)).sum([0, 2]);
            pairs -= TeacherViews;
        }

        var loss = agreement.mean() / -pairs;
        return new DinoLossTerms(loss.MoveToOuterDisposeScope(), entropy.MoveToOuterDisposeScope(), shares.MoveToOuterDisposeScope());
    }

    /// <summary>Moves the centre by the mean of all teacher logits seen since the last call (equation 4).</summary>
    /// <param name="group">processes that have seen as many of other images; null for none</param>
    public void UpdateCenter(ProcessGroup? group = null)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        group ??= ProcessGroup.Alone;
        if (_options.Centering)
        {
            group.Sum(_teacherSum);
            Center.mul_(_options.CenterMomentum).add_(_teacherSum / (_teacherRows * group.Size), alpha: 1 - _options.CenterMomentum);
        }

        ForgetTeacher();
    }

    /// <summary>Drops the teacher logits seen since the centre was last moved.</summary>
    public void ForgetTeacher()
    {
        using var scope = NewDisposeScope();
        _teacherSum.zero_();
        _teacherRows = 0;
    }

    public void Dispose()
    {
        Center.Dispose();
        _teacherSum.Dispose();
    }
}

/// <summary>What one evaluation of the loss gives.</summary>
/// <param name="Loss">mean cross-entropy over pairs of views and images; carries the gradient // []</param>
/// <param name="TeacherEntropy">mean entropy of the teacher's distributions, in nats; loss less this is KL(teacher ‖ student) // []</param>
/// <param name="TeacherShares">mean of the teacher's distributions: what share each output has of the images // [K]</param>
public sealed record DinoLossTerms(Tensor Loss, Tensor TeacherEntropy, Tensor TeacherShares);
