using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Benchmarks.Port;

/// <summary>The reference's vision transformer, operation by operation, in torch's own modules.</summary>
internal sealed class PlainTransformer : nn.Module<Tensor, Tensor>
{
    private readonly Conv2d _projection;
    private readonly Parameter _classToken;
    private readonly Parameter _positions;
    private readonly ModuleList<PlainBlock> _blocks;
    private readonly LayerNorm _norm;
    private readonly int _side;

    public PlainTransformer(int imageSize, int patch, int dim, int depth, int heads, double dropPath)
        : base(nameof(PlainTransformer))
    {
        _side = imageSize / patch;
        _projection = nn.Conv2d(3, dim, patch, stride: patch);
        _classToken = new Parameter(randn(1, 1, dim) * 0.02);
        _positions = new Parameter(randn(1, _side * _side + 1, dim) * 0.02);
        _blocks = nn.ModuleList([.. Enumerable.Range(0, depth).Select(i => new PlainBlock(dim, heads, dropPath * i / (depth - 1)))]);
        _norm = nn.LayerNorm(dim, 1e-6);
        RegisterComponents();
    }

    /// <param name="input">// [B, 3, H, W]</param>
    /// <returns>// [B, D]</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var tokens = _projection.forward(input).flatten(2).transpose(1, 2);
        tokens = cat([_classToken.expand(input.size(0), -1, -1), tokens], 1) + Positions(tokens.size(1));
        foreach (var block in _blocks)
        {
            tokens = block.forward(tokens);
        }

        return _norm.forward(tokens).select(1, 0).MoveToOuterDisposeScope();
    }

    private Tensor Positions(long patches)
    {
        if (patches == _side * _side)
        {
            return _positions;
        }

        long side = (long)Math.Sqrt(patches);
        var grid = _positions.narrow(1, 1, _side * _side).reshape(1, _side, _side, -1).permute(0, 3, 1, 2);
        grid = nn.functional.interpolate(grid, [side, side], mode: InterpolationMode.Bicubic, align_corners: false);
        return cat([_positions.narrow(1, 0, 1), grid.permute(0, 2, 3, 1).reshape(1, patches, -1)], 1);
    }

    private sealed class PlainBlock : nn.Module<Tensor, Tensor>
    {
        private readonly LayerNorm _norm1;
        private readonly Linear _qkv;
        private readonly Linear _projection;
        private readonly LayerNorm _norm2;
        private readonly Linear _expand;
        private readonly Linear _contract;
        private readonly int _heads;
        private readonly double _dropPath;

        public PlainBlock(int dim, int heads, double dropPath)
            : base(nameof(PlainBlock))
        {
            (_heads, _dropPath) = (heads, dropPath);
            (_norm1, _norm2) = (nn.LayerNorm(dim, 1e-6), nn.LayerNorm(dim, 1e-6));
            (_qkv, _projection) = (nn.Linear(dim, 3 * dim), nn.Linear(dim, dim));
            (_expand, _contract) = (nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim));
            RegisterComponents();
        }

        /// <param name="input">// [B, N, D]</param>
        /// <returns>// [B, N, D]</returns>
        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            var mixed = input + DropPath(Attention(_norm1.forward(input)));
            var hidden = nn.functional.gelu(_expand.forward(_norm2.forward(mixed)));
            return (mixed + DropPath(_contract.forward(hidden))).MoveToOuterDisposeScope();
        }

        private Tensor Attention(Tensor input)
        {
            var (batch, tokens, dim) = (input.size(0), input.size(1), input.size(2));
            var qkv = _qkv.forward(input).reshape(batch, tokens, 3, _heads, dim / _heads).permute(2, 0, 3, 1, 4);
            var weights = (qkv[0].matmul(qkv[1].transpose(-2, -1)) * Math.Pow(dim / _heads, -0.5)).softmax(-1);
            return _projection.forward(weights.matmul(qkv[2]).transpose(1, 2).reshape(batch, tokens, dim));
        }

        private Tensor DropPath(Tensor branch) => !training || _dropPath == 0
            ? branch
            : branch.div(1 - _dropPath) * (rand(branch.size(0), 1, 1) + (1 - _dropPath)).floor_();
    }
}
