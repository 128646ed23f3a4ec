using DinoSharp.Methods.Byol;
using DinoSharp.Methods.InfoMin;
using DinoSharp.Methods.MocoV2;
using DinoSharp.Methods.MocoV3;
using DinoSharp.Methods.SimClr;

namespace DinoSharp.Methods;

/// <summary>The methods that learn a backbone.</summary>
public static class MethodCatalogue
{
    /// <summary>All but DINO, which has its own command line.</summary>
    public static IReadOnlyList<MethodDefinition> All { get; } =
    [
        new ByolDefinition(),
        new SimClrDefinition(),
        new MocoV2Definition(),
        new MocoV3Definition(),
        new InfoMinDefinition(),
    ];

    /// <summary>The method of a name.</summary>
    /// <exception cref="ArgumentException">None has that name.</exception>
    public static MethodDefinition Named(string name) =>
        All.FirstOrDefault(m => m.Name == name)
        ?? throw new ArgumentException($"unknown method '{name}': there are {string.Join(", ", All.Select(m => m.Name))}");
}
