using System.CommandLine;
using DinoSharp.Methods;

namespace DinoSharp.Cli.Training;

/// <summary>The options of "dino train" that are one method's.</summary>
internal abstract class MethodSettingOptions
{
    /// <summary>For the help.</summary>
    public abstract IReadOnlyList<Option> All { get; }

    /// <summary>The options of a method.</summary>
    public static MethodSettingOptions Of(MethodOptions published) =>
        published is DinoSharp.Methods.Dino.DinoOptions ? new DinoSettingOptions() : new RecordSettingOptions(published);

    /// <summary>The settings, with what the command line names in place of what was chosen for it.</summary>
    public abstract MethodOptions Read(ParseResult parsed, MethodOptions chosen);
}
