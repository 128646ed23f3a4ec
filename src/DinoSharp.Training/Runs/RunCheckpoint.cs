using DinoSharp.Checkpoints;
using DinoSharp.Models.Weights;
using DinoSharp.Training.Optimizers;
using static TorchSharp.torch;

namespace DinoSharp.Training.Runs;

/// <summary>
/// The whole state of a training in one file, laid out as the reference's checkpoints (student, teacher, optimizer, epoch, args,
/// dino_loss), so that either program goes on with the other's run. What the reference has no place for stands under "dinosharp".
/// </summary>
public static class RunCheckpoint
{
    private const string Own = WeightsFile.OwnKey;
    private const string StepName = "step";
    private const string StepsPerEpochName = "steps_per_epoch";

    // The reference's, of PyTorch's GradScaler.
    private const string ScalerName = "fp16_scaler";
    private const string FactorName = "scale";
    private const string GoodStepsName = "_growth_tracker";

    /// <summary>Writes the state, whole or not at all.</summary>
    /// <param name="path">a .pth file</param>
    /// <param name="method">whose state</param>
    /// <param name="trainer">whose optimizer and step</param>
    /// <param name="arguments">settings under the reference's names, for whoever reads the file there</param>
    public static void Save(string path, TrainingMethod method, Trainer trainer, IReadOnlyDictionary<string, object?> arguments)
    {
        var root = new OrderedDictionary<object, object?>();
        foreach (var section in method.State)
        {
            var tensors = new OrderedDictionary<object, object?>();
            foreach (var (name, tensor) in section.Tensors)
            {
                tensors.Add(section.Prefix + name, TensorArrays.ViewOf(tensor));
            }

            root.Add(section.Name, tensors);
        }

        root.Add("optimizer", OptimizerState(trainer));
        if (trainer.LossScale is { } scale)
        {
            root.Add(ScalerName, new OrderedDictionary<object, object?>
            {
                [FactorName] = scale.Factor,
                ["growth_factor"] = LossScale.Growth,
                ["backoff_factor"] = 1 / LossScale.Growth,
                ["growth_interval"] = LossScale.GrowthInterval,
                [GoodStepsName] = scale.GoodSteps,
            });
        }

        root.Add("epoch", trainer.StepsDone / trainer.Plan.StepsPerEpoch);
        root.Add("args", new PickledNamespace(new OrderedDictionary<string, object?>(arguments)));
        root.Add(Own, new OrderedDictionary<object, object?>
        {
            [StepName] = trainer.StepsDone,
            [StepsPerEpochName] = (long)trainer.Plan.StepsPerEpoch,
            [WeightsFile.NetworkName] = SectionOf(method).Name,
        });
        TorchFile.Write(path, root);
    }

    /// <summary>
    /// Puts the state of a file into method and trainer. A checkpoint of the reference, which knows epochs only, goes on at its epoch.
    /// </summary>
    /// <exception cref="CheckpointException">One line: the file is damaged, or of another method or network.</exception>
    public static void Load(string path, TrainingMethod method, Trainer trainer)
    {
        try
        {
            trainer.StepsDone = LoadState(path, method, trainer);
        }
        finally
        {
            // The file's content would stay in memory beside the training, which the collector sees nothing of.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }
    }

    /// <summary>Whether a file holds the state at the end of a training.</summary>
    /// <returns>false also where there is no such file, or none that a training goes on from</returns>
    public static bool IsAtEnd(string path, TrainingPlan plan)
    {
        try
        {
            return File.Exists(path) && StepsDone(path, Root(path, TorchFile.ReadWithoutTensors(path)), plan) == plan.TotalSteps;
        }
        catch (CheckpointException)
        {
            return false; // Load says what is wrong with it
        }
    }

    /// <returns>the steps done; nothing of the file is held any longer</returns>
    private static long LoadState(string path, TrainingMethod method, Trainer trainer)
    {
        var root = Root(path, TorchFile.Read(path));
        long stepsDone = StepsDone(path, root, trainer.Plan);
        foreach (var section in method.State)
        {
            LoadSection(path, section, Dictionary(Entry(root, section.Name, path), path, section.Name));
        }

        LoadOptimizer(path, Dictionary(Entry(root, "optimizer", path), path, "optimizer"), trainer.Optimizer);
        LoadLossScale(path, root, trainer.LossScale);
        return stepsDone;
    }

    private static OrderedDictionary<object, object?> Root(string path, object? content) => Dictionary(content, path, "the file");

    /// <summary>The section with the network to use.</summary>
    private static StateSection SectionOf(TrainingMethod method)
    {
        nint handle = method.Backbone.parameters().First().Handle;
        return method.State.FirstOrDefault(section => section.Tensors.Any(entry => entry.Tensor.Handle == handle)) ?? method.State[0];
    }

    private static long StepsDone(string path, OrderedDictionary<object, object?> root, TrainingPlan plan)
    {
        long done;
        if (root.TryGetValue(Own, out object? value))
        {
            var own = Dictionary(value, path, Own);
            long stepsPerEpoch = Number(own, StepsPerEpochName, path);
            if (stepsPerEpoch != plan.StepsPerEpoch)
            {
                throw new CheckpointException(
                    $"{path}: its epochs have {stepsPerEpoch} steps and this training's {plan.StepsPerEpoch}: " +
                    "use the same images and batch size");
            }

            done = Number(own, StepName, path);
        }
        else
        {
            done = Number(root, "epoch", path) * plan.StepsPerEpoch;
        }

        return done >= 0 && done <= plan.TotalSteps ? done : throw new CheckpointException(
            $"{path}: it stands after step {done} and this training has {plan.TotalSteps}: train for more epochs");
    }

    /// <summary>A checkpoint of another precision has none; the scale then finds its size anew.</summary>
    private static void LoadLossScale(string path, OrderedDictionary<object, object?> root, LossScale? scale)
    {
        if (scale is null || !root.TryGetValue(ScalerName, out object? found))
        {
            return;
        }

        var saved = Dictionary(found, path, ScalerName);
        try
        {
            scale.Restore(
                Entry(saved, FactorName, path) as double? ?? throw new CheckpointException($"{path}: {ScalerName}.{FactorName} is not a number"),
                Number(saved, GoodStepsName, path));
        }
        catch (ArgumentOutOfRangeException)
        {
            throw new CheckpointException($"{path}: {ScalerName} is not the state of a loss scale");
        }
    }

    private static void LoadSection(string path, StateSection section, OrderedDictionary<object, object?> saved)
    {
        string[] missing = [.. section.Tensors.Select(t => section.Prefix + t.Name).Where(name => !saved.ContainsKey(name))];
        if (missing.Length > 0 || saved.Count != section.Tensors.Count)
        {
            int extra = saved.Count - section.Tensors.Count + missing.Length;
            string first = missing.Length > 0 ? $" (first missing: {missing[0]})" : "";
            throw new CheckpointException(
                $"{path}: '{section.Name}' does not fit this network: {missing.Length} tensors missing, {extra} left over{first}");
        }

        foreach (var (name, tensor) in section.Tensors)
        {
            CopyInto(path, section.Prefix + name, saved[section.Prefix + name], tensor);
        }
    }

    /// <summary>torch.optim's layout: state by parameter number, decayed ones first; parameters never moved have none.</summary>
    private static OrderedDictionary<object, object?> OptimizerState(Trainer trainer)
    {
        var optimizer = trainer.Optimizer;
        var state = new OrderedDictionary<object, object?>();
        for (int i = 0; i < optimizer.States.Count; i++)
        {
            var parameter = optimizer.States[i];
            if (parameter.StepCount == 0)
            {
                continue;
            }

            var entry = new OrderedDictionary<object, object?>();
            if (parameter.StepCount is { } count)
            {
                entry.Add("step", ArrayData.FromFloat32([count]));
            }

            foreach (var (name, tensor) in parameter.Tensors)
            {
                entry.Add(name, TensorArrays.ViewOf(tensor));
            }

            state.Add((long)i, entry);
        }

        int first = 0;
        var groups = new List<object?>();
        foreach (var group in optimizer.Groups.Groups)
        {
            groups.Add(Group(first, group));
            first += group.Parameters.Count;
        }

        return new OrderedDictionary<object, object?>
        {
            ["state"] = state,
            ["param_groups"] = groups,
        };

        OrderedDictionary<object, object?> Group(int from, ParameterGroup parameters)
        {
            var group = new OrderedDictionary<object, object?>
            {
                ["lr"] = trainer.LearningRate * parameters.RateScale,
                ["weight_decay"] = parameters.Decayed ? trainer.WeightDecay : 0.0,
            };
            foreach (var (name, value) in optimizer.PyTorchSettings)
            {
                group.Add(name, value);
            }

            group.Add("params", Enumerable.Range(from, parameters.Parameters.Count).Select(i => (object?)(long)i).ToList());
            return group;
        }
    }

    private static void LoadOptimizer(string path, OrderedDictionary<object, object?> saved, TrainingOptimizer optimizer)
    {
        var state = Dictionary(Entry(saved, "state", path), path, "optimizer.state");
        RequireSameGroups(path, saved, optimizer.Groups);
        for (int i = 0; i < optimizer.States.Count; i++)
        {
            var target = optimizer.States[i];
            if (!state.TryGetValue((long)i, out object? found))
            {
                Forget(target);
                continue;
            }

            var entry = Dictionary(found, path, $"optimizer.state.{i}");
            if (target.StepCount is not null)
            {
                target.StepCount = Entry(entry, "step", path) switch
                {
                    ArrayData { Count: 1 } count => (long)count.ToFloat32()[0],
                    long count => count, // PyTorch before 1.12
                    _ => throw new CheckpointException($"{path}: optimizer.state.{i}.step is not a number"),
                };
            }

            foreach (var (name, tensor) in target.Tensors)
            {
                CopyInto(path, $"optimizer.state.{i}.{name}", Entry(entry, name, path), tensor);
            }
        }
    }

    /// <summary>A parameter that never moved has no state in the file.</summary>
    private static void Forget(IParameterState state)
    {
        using var noGradients = no_grad();
        state.StepCount = 0;
        foreach (var (_, tensor) in state.Tensors)
        {
            tensor.zero_();
        }
    }

    /// <summary>States go by number: with other groups they would go to other parameters.</summary>
    private static void RequireSameGroups(string path, OrderedDictionary<object, object?> saved, ParameterGroups groups)
    {
        int[] wanted = [.. groups.Groups.Select(group => group.Parameters.Count)];
        int[] found =
        [
            .. (Entry(saved, "param_groups", path) as List<object?> ?? [])
                .Select(group => (Entry(Dictionary(group, path, "optimizer.param_groups"), "params", path) as List<object?>)?.Count ?? 0),
        ];
        if (!wanted.SequenceEqual(found))
        {
            throw new CheckpointException(
                $"{path}: its optimizer moves groups of {string.Join(" and ", found)} parameters, this network has " +
                $"{string.Join(" and ", wanted)}: use the settings it was trained with");
        }
    }

    private static void CopyInto(string path, string name, object? array, Tensor tensor)
    {
        if (array is not ArrayData values || !values.Shape.SequenceEqual(tensor.shape))
        {
            string found = array is ArrayData other ? $"[{string.Join(", ", other.Shape)}]" : "not a tensor";
            throw new CheckpointException($"{path}: {name} is {found} and should be [{string.Join(", ", tensor.shape)}]");
        }

        TensorArrays.CopyInto(values, tensor);
    }

    private static OrderedDictionary<object, object?> Dictionary(object? value, string path, string what) =>
        value as OrderedDictionary<object, object?>
            ?? throw new CheckpointException($"{path}: {what} is not a dictionary of a training's state");

    private static long Number(OrderedDictionary<object, object?> dictionary, string name, string path) =>
        Entry(dictionary, name, path) as long? ?? throw new CheckpointException($"{path}: {name} is not a whole number");

    private static object? Entry(OrderedDictionary<object, object?> dictionary, string name, string path) =>
        dictionary.TryGetValue(name, out object? value) ? value
            : throw new CheckpointException($"{path}: no '{name}' inside: this is not a checkpoint of a training by this method");
}
