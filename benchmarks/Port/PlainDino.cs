using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Benchmarks.Port;

/// <summary>
/// The opponent: DINO's optimizer step ported line by line from the reference's loop to TorchSharp, as one would write it first. Each resolution
/// passes through the backbone, all tokens through all blocks; the loss goes over pairs of views, clipping and average over parameters.
/// </summary>
internal sealed class PlainDino : IDisposable
{
    private const double StudentTemperature = 0.1;
    private const double TeacherTemperature = 0.04;
    private const double TeacherMomentum = 0.996;
    private const double CenterMomentum = 0.9;
    private const double ClipLimit = 3;

    private readonly Network _student;
    private readonly Network _teacher;
    private readonly AdamW _optimizer;
    private readonly Tensor[] _crops;
    private readonly int _views;
    private Tensor _center;

    /// <param name="create">the backbone, with this rate of stochastic depth</param>
    /// <param name="dim">of its features</param>
    /// <param name="outputs">K</param>
    /// <param name="crops">global and local // [2 B, 3, H, W], [L B, 3, h, w]</param>
    /// <param name="views">2 + L</param>
    public PlainDino(Func<double, PlainTransformer> create, int dim, int outputs, Tensor[] crops, int views)
    {
        (_crops, _views) = (crops, views);
        _student = new Network(create(0.1), dim, outputs);
        _teacher = new Network(create(0), dim, outputs);
        _teacher.load_state_dict(_student.state_dict());
        foreach (var parameter in _teacher.parameters())
        {
            parameter.requires_grad = false;
        }

        var apart = _student.parameters().Where(p => p.requires_grad).ToLookup(p => p.dim() > 1);
        _optimizer = optim.AdamW(
            [new AdamW.ParamGroup(apart[true], new() { weight_decay = 0.04 }), new AdamW.ParamGroup(apart[false], new() { weight_decay = 0 })], 1e-4);
        _center = zeros(1, outputs);
    }

    public void Step()
    {
        using var scope = NewDisposeScope();
        Tensor teacher;
        using (no_grad())
        {
            teacher = _teacher.forward(_crops[0]);
        }

        var student = cat([.. _crops.Select(_student.Features)]);
        var loss = Loss(_student.Head(student), teacher);
        _optimizer.zero_grad();
        loss.backward();
        foreach (var gradient in _student.parameters().Select(p => p.grad).OfType<Tensor>())
        {
            double norm = gradient.norm().item<float>();
            if (ClipLimit / (norm + 1e-6) < 1)
            {
                gradient.mul_(ClipLimit / (norm + 1e-6));
            }
        }

        _optimizer.step();
        using (no_grad())
        {
            foreach (var (slow, fast) in _teacher.parameters().Zip(_student.parameters()))
            {
                slow.mul_(TeacherMomentum).add_(fast * (1 - TeacherMomentum));
            }

            var center = _center * CenterMomentum + teacher.mean([0L], keepdim: true) * (1 - CenterMomentum);
            _center.Dispose();
            _center = center.DetachFromDisposeScope();
        }
    }

    public void Dispose()
    {
        _student.Dispose();
        _teacher.Dispose();
        _optimizer.Dispose();
        _center.Dispose();
    }

    private Tensor Loss(Tensor student, Tensor teacher)
    {
        var students = (student / StudentTemperature).chunk(_views);
        var teachers = ((teacher - _center) / TeacherTemperature).softmax(-1).detach().chunk(2);
        var total = zeros(1);
        int terms = 0;
        for (int q = 0; q < 2; q++)
        {
            for (int v = 0; v < _views; v++)
            {
                if (v != q)
                {
                    total = total + (-teachers[q] * students[v].log_softmax(-1)).sum(-1).mean();
                    terms++;
                }
            }
        }

        return total / terms;
    }

    /// <summary>Backbone and projection head.</summary>
    private sealed class Network : nn.Module<Tensor, Tensor>
    {
        private readonly PlainTransformer _backbone;
        private readonly Sequential _mlp;
        private readonly Parameter _direction; // [K, 256]

        public Network(PlainTransformer backbone, int dim, int outputs)
            : base(nameof(Network))
        {
            _backbone = backbone;
            _mlp = nn.Sequential(nn.Linear(dim, 2048), nn.GELU(), nn.Linear(2048, 2048), nn.GELU(), nn.Linear(2048, 256));
            _direction = new Parameter(randn(outputs, 256) * 0.02);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            return Head(Features(input)).MoveToOuterDisposeScope();
        }

        public Tensor Features(Tensor crops) => _backbone.forward(crops);

        public Tensor Head(Tensor features)
        {
            var bottleneck = nn.functional.normalize(_mlp.forward(features), dim: -1);
            return nn.functional.linear(bottleneck, _direction / _direction.norm(1, keepdim: true, p: 2));
        }
    }
}
