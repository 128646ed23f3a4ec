using System.Runtime.CompilerServices;

namespace DinoSharp.Tests;

/// <summary>Torch computes on one thread: on networks this small several would mostly wait for each other.</summary>
internal static class OneThread
{
    [ModuleInitializer]
    internal static void Set() => TorchSharp.torch.set_num_threads(1);
}
