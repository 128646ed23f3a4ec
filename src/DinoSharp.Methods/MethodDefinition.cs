namespace DinoSharp.Methods;

/// <summary>A method by its name, with the settings it was published with and those that fit smaller trainings.</summary>
public abstract class MethodDefinition
{
    /// <summary>As after --method, e.g. moco-v2.</summary>
    public abstract string Name { get; }

    /// <summary>As in tables, e.g. MoCo v2.</summary>
    public abstract string Title { get; }

    /// <summary>The paper, e.g. arXiv 2003.04297.</summary>
    public abstract string Paper { get; }

    /// <summary>Whether it learns from labels.</summary>
    public virtual bool NeedsLabels => false;

    /// <summary>Whether it learns from another trained network, which has to be named.</summary>
    public virtual bool NeedsTeacher => false;

    /// <summary>Stochastic depth of a transformer that trains, as published.</summary>
    public virtual double DropPathRate => 0;

    /// <summary>Whether the blocks of a ResNet begin by changing nothing, as published.</summary>
    public virtual bool ZeroInitResidual => false;

    /// <summary>Side of the local crops beside global ones of a side, where the method cannot do with any; null for one.</summary>
    /// <param name="globalSize">in pixels</param>
    public virtual int? LocalSize(int globalSize) => null;

    /// <summary>The settings of the paper or its code, which are for ImageNet and large batches.</summary>
    /// <param name="transformer">whether the network is a Vision Transformer; else it is a ResNet</param>
    public abstract MethodSettings Published(bool transformer);

    /// <summary>The settings that fit a training's size; what differs from the published ones is noted with its reason.</summary>
    public abstract MethodSettings Fitted(MethodSettings published, Fitting fitting);
}
