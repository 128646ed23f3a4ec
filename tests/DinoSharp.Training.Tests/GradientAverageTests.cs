using System.Diagnostics.CodeAnalysis;
using DinoSharp.Distributed;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Training.Optimizers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Training.Tests;

/// <summary>Gradients travel during the backward pass, and the step is the same to the bit, whatever comes late and whatever fails.</summary>
public sealed class GradientAverageTests
{
    private const int Images = 4;
    private const int Steps = 2;

    /// <summary>Where the head is used once more, before the encoder, part of its gradient comes when the rest is on its way.</summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(2, true)]
    public void Two_processes_with_the_same_images_make_the_step_of_one(int parts, bool usesHeadTwice)
    {
        using HeavyHead alone = new(usesHeadTwice), together = new(usesHeadTwice);
        Echo group = new();
        List<(int Losses, bool StemIsNext)> begun = [];
        group.Begun = size =>
        {
            if (size >= HeavyHead.HeadSize)
            {
                using var stem = together.Stem.grad;
                begun.Add((together.Losses, stem is null || parts > 1));
            }
        };
        Train(alone, null, parts);
        Train(together, group, parts);
        foreach (var (expected, actual) in alone.Trained.parameters().Zip(together.Trained.parameters()))
        {
            Assert.Equal(expected.data<float>().ToArray(), actual.data<float>().ToArray());
        }

        // In each step the head goes when the last part's backward pass is past it; what came late goes at the end.
        (int, bool)[] early = [.. Enumerable.Range(1, Steps).Select(step => (step * parts, true))];
        Assert.Equal(early, begun.Where(sum => !usesHeadTwice || sum.StemIsNext).DistinctBy(sum => sum.Losses));
        Assert.Equal(Steps * (usesHeadTwice && parts > 1 ? 2 : 1), begun.Count);
    }

    [Fact]
    public void A_failure_during_the_backward_pass_ends_the_step_and_is_told()
    {
        using HeavyHead method = new(usesHeadTwice: false);
        Echo group = new() { Begun = _ => throw new ProcessGroupException("rank 1 is gone") };
        Assert.Equal("rank 1 is gone", Assert.Throws<ProcessGroupException>(() => Train(method, group, parts: 1)).Message);
    }

    private static void Train(HeavyHead method, Echo? group, int parts)
    {
        int processes = group?.Size ?? 1;
        TrainingOptions options = new()
        {
            Epochs = 1,
            BatchSize = Images * processes,
            AccumulationSteps = parts,
            Optimizer = OptimizerKind.Sgd,
            LearningRate = 1.0 / processes, // it is scaled with the batch
            WarmupEpochs = 0,
        };
        using Trainer trainer = new(method, options, new TrainingPlan(Epochs: 1, Steps), group);
        for (int step = 0; step < Steps; step++)
        {
            using var generator = new Generator((ulong)step);
            using var crops = rand([Images, 3, 8, 8], generator: generator);
            trainer.Step(new TrainingBatch([crops], []));
        }
    }

    /// <summary>A head that fills a bucket behind a small backbone.</summary>
    private sealed class HeavyHead : TrainingMethod
    {
        public const int HeadSize = 4 * Outputs;
        private const int Outputs = 1 << 18;

        private readonly Linear _head;
        private readonly MultiCropEncoder _encoder;
        private readonly bool _usesHeadTwice;

        public HeavyHead(bool usesHeadTwice)
        {
            manual_seed(3);
            Backbone = new VisionTransformer(new() { PatchSize = 4, EmbedDim = 4, Depth = 2, Heads = 1, ImageSize = 8 });
            _head = nn.Linear(Backbone.FeatureDim, Outputs, hasBias: false);
            _encoder = new MultiCropEncoder(Backbone, _head);
            _usesHeadTwice = usesHeadTwice;
        }

        public int Losses { get; private set; }

        /// <summary>Gets its gradient last.</summary>
        public Parameter Stem => Backbone.named_parameters().Single(p => p.name == "patch_embed.proj.weight").parameter;

        public override nn.Module Trained => _encoder;

        public override Backbone Backbone { get; }

        public override IReadOnlyList<StateSection> State => [];

        public override Tensor Loss(TrainingBatch batch, TrainingStep step)
        {
            Losses++;
            using var scope = NewDisposeScope();
            var before = _usesHeadTwice ? _head.forward(ones(1, 4)).square().mean() : zeros([]);
            return (before + _encoder.Forward(batch.Crops).square().mean()).MoveToOuterDisposeScope();
        }

        public override IReadOnlyList<(string Name, double Value)> TakeMetrics() => [];

        public override void Dispose() => _encoder.Dispose();
    }

    /// <summary>Two processes of which the other always has the same values. What is under way is no number until it is waited for.</summary>
    private sealed class Echo : ProcessGroup
    {
        public Action<long> Begun { get; set; } = _ => { };

        public override int Rank => 0;

        public override int Size => 2;

        public override int Processors => 1;

        public override string Describe(int rank) => $"rank {rank}";

        public override PendingSum BeginSum(Tensor values)
        {
            Begun(values.numel());
            return new Doubling(values);
        }

        public override void Sum(Tensor values) => values.mul_(2);

        public override Tensor Gather(Tensor rows) => throw new NotSupportedException();

        public override Tensor Exchange(Tensor rows, long[] to, long[] from) => throw new NotSupportedException();

        public override void Broadcast(Tensor values, int from = 0) => throw new NotSupportedException();

        public override IReadOnlyList<byte[]> GatherMessages(ReadOnlyMemory<byte> message) => throw new NotSupportedException();

        public override void Barrier()
        {
        }

        [DoesNotReturn]
        public override void Fail(string line, int code) => throw new InvalidOperationException(line);

        public override void Dispose()
        {
        }

        private sealed class Doubling : PendingSum
        {
            private readonly Tensor _values;
            private readonly Tensor _sum;

            public Doubling(Tensor values)
            {
                _values = values;
                _sum = values.mul(2).DetachFromDisposeScope();
                values.fill_(double.NaN);
            }

            public override void Wait()
            {
                _values.copy_(_sum);
                _sum.Dispose();
            }
        }
    }
}
