using DinoSharp.Models.Heads;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Linear;

/// <summary>Linear layers side by side on the same features. (A list alone would register none of its layers' parameters.)</summary>
internal sealed class ClassifierSet : nn.Module
{
    [ComponentName(Name = "classifiers")]
    private readonly ModuleList<TorchSharp.Modules.Linear> _classifiers;

    public ClassifierSet(int count, int featureDim, int classes)
        : base(nameof(ClassifierSet))
    {
        _classifiers = nn.ModuleList(
            [.. Enumerable.Range(0, count).Select(_ => LinearClassifier.Create(featureDim, classes, LinearClassifier.ProbeDeviation))]);
        RegisterComponents();
    }

    /// <summary>The layers, in order.</summary>
    public IReadOnlyList<TorchSharp.Modules.Linear> All => [.. _classifiers];

    /// <summary>Which layer a parameter is of, by its name: classifiers.2.weight.</summary>
    public static int IndexOf(string parameterName) =>
        int.Parse(parameterName.Split('.')[1], System.Globalization.CultureInfo.InvariantCulture);
}
