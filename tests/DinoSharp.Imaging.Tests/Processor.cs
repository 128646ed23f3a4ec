namespace DinoSharp.Imaging.Tests;

/// <summary>Whether this run is a child of <see cref="PortableTests"/>, without some of the processor's instructions.</summary>
internal static class Processor
{
    public const string Variable = "DINOSHARP_TESTS_WITHOUT";

    /// <summary>What is switched off: a runtime switch's name without its prefix; null if nothing is.</summary>
    public static string? Without { get; } = Environment.GetEnvironmentVariable(Variable);

    public static bool IsRestricted => Without is not null;
}
