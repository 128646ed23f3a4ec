using DinoSharp.Cuda;
using DinoSharp.Models.Products;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>The rows of the images whose branch stochastic depth keeps, and of those whose it drops, so that these need not be computed.</summary>
internal sealed class KeptRows : IDisposable
{
    private readonly Tensor _kept; // int32 [T']
    private readonly Tensor _dropped; // int32 [T - T']
    private readonly float _scale;
    private int _users = 1;

    private KeptRows(Tensor kept, Tensor dropped, float scale, TokenLayout layout)
    {
        (_kept, _dropped, _scale, Layout) = (kept, dropped, scale, layout);
    }

    /// <summary>Where the tokens of the images that are kept lie among the rows that are.</summary>
    public TokenLayout Layout { get; }

    /// <summary>How many rows are kept.</summary>
    public long Count => _kept.size(0);

    /// <param name="scales">of each image's branch, on the CPU: 0 or 1 / keep // [ΣB, 1]</param>
    /// <param name="layout">where the images' tokens lie</param>
    public static KeptRows Of(Tensor scales, TokenLayout layout)
    {
        float[] ofImages = scales.data<float>().ToArray();
        var (kept, dropped) = (new List<int>(), new List<int>());
        var groups = new List<(long Images, long Tokens)>();
        int image = 0, row = 0;
        foreach (var (images, tokens) in layout.Groups)
        {
            long keptImages = 0;
            for (long i = 0; i < images; i++, row += (int)tokens)
            {
                bool keeps = ofImages[image++] > 0;
                keptImages += keeps ? 1 : 0;
                (keeps ? kept : dropped).AddRange(Enumerable.Range(row, (int)tokens));
            }

            if (keptImages > 0)
            {
                groups.Add((keptImages, tokens));
            }
        }

        return new(Rows(kept), Rows(dropped), ofImages.Max(), new TokenLayout(groups));
    }

    /// <summary>These, for one more user that disposes them.</summary>
    public KeptRows Shared()
    {
        _users++;
        return this;
    }

    /// <summary>The parts in which rows are computed.</summary>
    /// <param name="rows">that are kept; null: all</param>
    /// <param name="all">how many there are</param>
    public static unsafe RowParts Parts(KeptRows? rows, long all) => rows is null
        ? RowParts.Whole(all)
        : new((int*)TensorAddress.Of(rows._kept), (nint)rows.Count, (int*)TensorAddress.Of(rows._dropped), (nint)rows._dropped.size(0), rows._scale);

    public void Dispose()
    {
        if (--_users == 0)
        {
            _kept.Dispose();
            _dropped.Dispose();
        }
    }

    private static Tensor Rows(List<int> rows) => tensor(rows.ToArray(), ScalarType.Int32).DetachFromDisposeScope();
}
