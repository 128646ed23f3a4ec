using DinoSharp.Models;
using DinoSharp.Models.Heads;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Methods.MocoV2;

/// <summary>
/// A query encoder, which trains, and a key encoder, its moving average (arXiv 1911.05722, section 3.2). If they have batch norm, a batch
/// passes in groups, each with statistics of its own, and the keys' images are shuffled between groups.
/// </summary>
/// <remarks>
/// This is the paper's shuffled batch norm on one device, the groups in place of its GPUs: were query and key normalised by statistics of
/// the same images, the network would recognise a key by these in place of the image (section 3.3).
/// </remarks>
internal sealed class MomentumEncoders : IDisposable
{
    private readonly int _groups;

    /// <param name="setup">networks, batch and device</param>
    /// <param name="head">shape of both heads</param>
    /// <param name="normGroups">groups of a batch, if there is batch norm</param>
    /// <exception cref="ArgumentException">The batch has too few images for the groups.</exception>
    public MomentumEncoders(MethodSetup setup, MlpHeadOptions head, int normGroups)
    {
        Query = setup.CreateEncoder(trained: true, head);
        Key = setup.CreateEncoder(trained: false, head);
        MovingAverage.Start(Key, Query);
        _groups = Query.modules().Any(module => module is BatchNorm1d or BatchNorm2d) ? normGroups : 1;
        if (_groups > 1 && setup.Training.BatchSize < 2 * _groups)
        {
            throw new ArgumentException(
                $"a batch of {setup.Training.BatchSize} images makes no {_groups} groups of 2: lower --norm-groups or raise --batch-size");
        }
    }

    /// <summary>Two for each group's batch norm.</summary>
    public int LeastImages => 2 * _groups;

    public MultiCropEncoder Query { get; }

    public MultiCropEncoder Key { get; }

    /// <summary>The queries of a view.</summary>
    /// <param name="view">// [B, C, H, W]</param>
    /// <returns>not normalised // [B, D]</returns>
    public Tensor Queries(Tensor view) => InGroups(view, group => Query.Forward([group]));

    /// <summary>Outputs of images that pass group by group, in their order.</summary>
    /// <param name="images">// [N, ...]</param>
    /// <param name="network">what a group passes through</param>
    /// <returns>// [N, D]</returns>
    public Tensor InGroups(Tensor images, Func<Tensor, Tensor> network)
    {
        using var scope = NewDisposeScope();
        var outputs = _groups == 1 ? network(images) : cat([.. images.tensor_split(_groups).Select(network)]);
        return outputs.MoveToOuterDisposeScope();
    }

    /// <summary>The keys of a view, without gradient.</summary>
    /// <param name="view">// [B, C, H, W]</param>
    /// <returns>normalised // [B, D]</returns>
    public Tensor Keys(Tensor view)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        Tensor keys;
        if (_groups == 1)
        {
            keys = Key.Forward([view]);
        }
        else
        {
            var order = randperm(view.size(0), device: view.device);
            keys = InGroups(view.index_select(0, order), group => Key.Forward([group])).index_select(0, order.argsort());
        }

        return nn.functional.normalize(keys, dim: 1).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        Query.Dispose();
        Key.Dispose();
    }
}
