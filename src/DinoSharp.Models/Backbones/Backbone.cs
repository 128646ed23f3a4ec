using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>A network from images to one feature vector an image: the f of g = h ∘ f (arXiv 2104.14294, section 3.1).</summary>
public abstract class Backbone : nn.Module<Tensor, Tensor>
{
    protected Backbone(string name, int featureDim, int inputChannels)
        : base(name)
    {
        FeatureDim = featureDim;
        InputChannels = inputChannels;
    }

    /// <summary>Length D of a feature vector.</summary>
    public int FeatureDim { get; }

    /// <summary>Channels C of the images this network takes.</summary>
    public int InputChannels { get; }

    /// <summary>The smallest image side this network can take, in pixels.</summary>
    public abstract int MinimumImageSide { get; }

    /// <summary>
    /// Whether the backward pass computes the activations inside the blocks again in place of keeping them: less memory for the time
    /// of one more forward pass, and the same result.
    /// </summary>
    public bool CheckpointsActivations { get; set; }

    /// <summary>A new network of this one's shape, with starting values from torch's random state, on the CPU.</summary>
    /// <param name="dropPathRate">a transformer's stochastic depth; a ResNet has none</param>
    public abstract Backbone CreateAlike(double dropPathRate = 0);

    /// <summary>Takes the values of a network of the same shape.</summary>
    public void CopyFrom(Backbone other)
    {
        using var noGradients = no_grad();
        foreach (var (mine, theirs) in state_dict().Values.Zip(other.state_dict().Values))
        {
            mine.copy_(theirs);
        }
    }

    /// <summary>Features of images of one size.</summary>
    /// <param name="images">float32, normalised // [B, C, H, W]</param>
    /// <returns>// [B, D]</returns>
    public abstract override Tensor forward(Tensor images);

    /// <summary>Features of crops of several sizes, in the order given: one pass a resolution.</summary>
    /// <param name="crops">one tensor a resolution // [B_r, C, H_r, W_r]</param>
    /// <returns>// [ΣB_r, D]</returns>
    public virtual Tensor ForwardCrops(IReadOnlyList<Tensor> crops)
    {
        using var scope = NewDisposeScope();
        var features = crops.Select(forward).ToArray();
        return cat(features).MoveToOuterDisposeScope(); // [ΣB_r, D]
    }

    /// <summary>
    /// The same values with the channels next to each other in memory. On the CPU the maps of all convolutions then lie so, which spares
    /// oneDNN to reorder them at each.
    /// </summary>
    /// <param name="images">// [B, C, H, W]</param>
    /// <returns>// [B, C, H, W]</returns>
    protected static Tensor ChannelsLast(Tensor images) => images.device_type == DeviceType.CPU
        ? images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
        : images;
}
