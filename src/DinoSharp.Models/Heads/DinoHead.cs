using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Models.Heads;

/// <summary>DINO's projection head: features to K logits before temperature. Parameter names are the reference's.</summary>
public sealed class DinoHead : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "mlp")]
    private readonly nn.Module<Tensor, Tensor> _mlp;
    [ComponentName(Name = "last_layer")]
    private readonly WeightNormLinear _lastLayer;

    public DinoHead(int featureDim, DinoHeadOptions options)
        : base(nameof(DinoHead))
    {
        options.Validated();
        _mlp = Mlp(featureDim, options);
        _lastLayer = new WeightNormLinear(options.BottleneckDim, options.OutputDim, options.FreezeMagnitude);
        RegisterComponents();
    }

    /// <summary>The parameters of the last layer, held still during the first epochs.</summary>
    public IEnumerable<Parameter> LastLayerParameters => _lastLayer.parameters();

    /// <param name="features">// [B, D]</param>
    /// <returns>// [B, K]</returns>
    public override Tensor forward(Tensor features)
    {
        using var scope = NewDisposeScope();
        var bottleneck = nn.functional.normalize(_mlp.forward(features), dim: -1); // [B, bottleneck]
        return _lastLayer.forward(bottleneck).MoveToOuterDisposeScope();
    }

    private static nn.Module<Tensor, Tensor> Mlp(int featureDim, DinoHeadOptions options)
    {
        if (options.Layers == 1)
        {
            return Initialization.Linear(featureDim, options.BottleneckDim);
        }

        var layers = new List<nn.Module<Tensor, Tensor>>();
        int width = featureDim;
        for (int i = 1; i < options.Layers; i++)
        {
            layers.Add(Initialization.Linear(width, options.HiddenDim));
            if (options.BatchNorm)
            {
                layers.Add(nn.BatchNorm1d(options.HiddenDim));
            }

            layers.Add(nn.GELU());
            width = options.HiddenDim;
        }

        layers.Add(Initialization.Linear(width, options.BottleneckDim));
        return nn.Sequential(layers);
    }
}
