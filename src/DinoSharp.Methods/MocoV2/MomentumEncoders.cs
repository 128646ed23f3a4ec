using DinoSharp.Distributed;
using DinoSharp.Models;
using DinoSharp.Models.Heads;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.MocoV2;

/// <summary>
/// A query encoder, which trains, and a key encoder, its moving average (arXiv 1911.05722, section 3.2). If they have batch norm, a batch
/// passes in groups, each with statistics of its own, and the keys' images are shuffled between groups.
/// </summary>
/// <remarks>
/// This is the paper's shuffled batch norm, the groups in place of its GPUs: were query and key normalised by statistics of the same images,
/// the network would recognise a key by these in place of the image (section 3.3). Where processes share the batch, each has its part of the
/// groups.
/// </remarks>
internal sealed class MomentumEncoders : IDisposable
{
    private readonly BatchShare _share;
    private readonly int _groups = 1; // of this process's images
    private readonly bool _shuffles;

    /// <param name="setup">networks, batch and device</param>
    /// <param name="head">shape of both heads</param>
    /// <param name="normGroups">groups of a batch, if there is batch norm</param>
    /// <exception cref="ArgumentException">The batch has too few images for the groups, or the groups do not go into the processes.</exception>
    public MomentumEncoders(MethodSetup setup, MlpHeadOptions head, int normGroups)
    {
        Query = setup.CreateEncoder(trained: true, head);
        Key = setup.CreateEncoder(trained: false, head);
        MovingAverage.Start(Key, Query);
        _share = setup.Share;
        int processes = _share.Group.Size, groups = Query.modules().Any(module => module is BatchNorm) ? normGroups : 1;
        if (groups > 1 && setup.Training.BatchSize < 2 * groups)
        {
            throw new ArgumentException(
                $"a batch of {setup.Training.BatchSize} images makes no {groups} groups of 2: lower --norm-groups or raise --batch-size");
        }

        if (groups == 1)
        {
            return;
        }

        if (groups % processes != 0 || setup.Training.BatchSize % groups != 0 && processes > 1)
        {
            throw new ArgumentException(
                $"{groups} groups of a batch of {setup.Training.BatchSize} images do not go into {processes} processes: change --norm-groups");
        }

        (_groups, _shuffles) = (groups / processes, true);
        BatchShare ofGroup = new(ProcessGroup.Alone, setup.Training.BatchSize / groups);
        Query.ShareBatch(ofGroup);
        Key.ShareBatch(ofGroup);
    }

    /// <summary>Two for each group's batch norm.</summary>
    public int LeastImages => 2 * _groups;

    public MultiCropEncoder Query { get; }

    public MultiCropEncoder Key { get; }

    /// <summary>The queries of a view.</summary>
    /// <param name="view">// [B, C, H, W]</param>
    /// <returns>not normalised // [B, D]</returns>
    public Tensor Queries(Tensor view) => InGroups(view, 1, group => Query.Forward([group]));

    /// <summary>Outputs of images that pass group by group, in their order.</summary>
    /// <param name="images">view-major // [V B, ...]</param>
    /// <param name="views">V</param>
    /// <param name="network">what a group passes through, with all views of its images</param>
    /// <returns>// [V B, D]</returns>
    public Tensor InGroups(Tensor images, int views, Func<Tensor, Tensor> network)
    {
        using var scope = NewDisposeScope();
        if (_groups == 1)
        {
            return network(images).MoveToOuterDisposeScope();
        }

        var byView = images.unflatten(0, [views, -1]); // [V, B, ...]
        var outputs = byView.tensor_split(_groups, 1).Select(group => network(group.flatten(0, 1)).unflatten(0, [views, -1]));
        return cat([.. outputs], 1).flatten(0, 1).MoveToOuterDisposeScope();
    }

    /// <summary>The keys of a view, without gradient.</summary>
    /// <param name="view">// [B, C, H, W]</param>
    /// <returns>normalised // [B, D]</returns>
    public Tensor Keys(Tensor view)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        Tensor keys;
        if (!_shuffles)
        {
            keys = Key.Forward([view]);
        }
        else
        {
            // The images of all processes are shuffled, each process's part passes, and the keys of all are put back in order.
            var whole = _share.Whole(view);
            var order = randperm(whole.size(0), device: view.device);
            var part = _share.Own(whole.index_select(0, order));
            keys = _share.Own(_share.Whole(InGroups(part, 1, group => Key.Forward([group]))).index_select(0, order.argsort()));
        }

        return nn.functional.normalize(keys, dim: 1).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        Query.Dispose();
        Key.Dispose();
    }
}
