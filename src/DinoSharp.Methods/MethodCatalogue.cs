using DinoSharp.Methods.BarlowTwins;
using DinoSharp.Methods.Byol;
using DinoSharp.Methods.DeepCluster;
using DinoSharp.Methods.Dino;
using DinoSharp.Methods.Distillation;
using DinoSharp.Methods.InfoMin;
using DinoSharp.Methods.InstanceClassification;
using DinoSharp.Methods.MocoV2;
using DinoSharp.Methods.MocoV3;
using DinoSharp.Methods.Obow;
using DinoSharp.Methods.SimClr;
using DinoSharp.Methods.Supervised;
using DinoSharp.Methods.Swav;

namespace DinoSharp.Methods;

/// <summary>The methods that learn a backbone.</summary>
public static class MethodCatalogue
{
    /// <summary>All of them, in the order of tables.</summary>
    public static IReadOnlyList<MethodDefinition> All { get; } =
    [
        new DinoDefinition(),
        new ByolDefinition(),
        new SimClrDefinition(),
        new MocoV2Definition(),
        new MocoV3Definition(),
        new InfoMinDefinition(),
        new BarlowTwinsDefinition(),
        new SwavDefinition(),
        new DeepClusterDefinition(),
        new ObowDefinition(),
        new InstanceDefinition(),
        new InstanceMemoryDefinition(),
        new SupervisedDefinition(),
        new DistillationDefinition(),
    ];

    /// <summary>The method of a name.</summary>
    /// <exception cref="ArgumentException">None has that name.</exception>
    public static MethodDefinition Named(string name) =>
        All.FirstOrDefault(m => m.Name == name)
        ?? throw new ArgumentException($"unknown method '{name}': there are {string.Join(", ", All.Select(m => m.Name))}");
}
