using DinoSharp.Data;
using DinoSharp.Training;

namespace DinoSharp.Methods;

/// <summary>
/// Settings of a method. The defaults are the published ones. Each property with a <see cref="SettingAttribute"/> is an option of
/// "dino train --method NAME": QueueSize is --queue-size.
/// </summary>
public abstract record MethodOptions
{
    /// <summary>
    /// Whether a batch may be cut into parts that pass one after the other. Where a loss compares the images of a batch with each other,
    /// parts would be smaller batches, which is not the same.
    /// </summary>
    public virtual bool Accumulates => false;

    /// <summary>The method with its networks, ready for the first step.</summary>
    public abstract TrainingMethod Create(MethodSetup setup);

    /// <summary>How the views of an image are made; view-major order is the recipe's.</summary>
    public virtual IViewRecipe Recipe(MultiCropOptions views) => new MultiCropRecipe(views);

    /// <summary>Says in one line which value makes no training.</summary>
    /// <exception cref="ArgumentException">There is one.</exception>
    public abstract void Validate();
}

/// <summary>Makes a property an option of the command line.</summary>
/// <param name="description">what it is, for the help</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SettingAttribute(string description) : Attribute
{
    public string Description { get; } = description;
}
