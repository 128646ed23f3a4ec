namespace DinoSharp.Distributed;

/// <summary>What working with other ranks has cost one so far.</summary>
/// <param name="Bytes">that came to it from the others; as many left it, on the average over the ranks</param>
/// <param name="Waited">how long it stood still for the others, or for what was on its way</param>
public readonly record struct ExchangeCost(long Bytes, TimeSpan Waited);
