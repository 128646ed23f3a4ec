namespace DinoSharp.Checkpoints;

/// <summary>Python's argparse.Namespace, in which the reference keeps a run's arguments.</summary>
/// <param name="Values">the attributes, in order</param>
public sealed record PickledNamespace(OrderedDictionary<string, object?> Values);
