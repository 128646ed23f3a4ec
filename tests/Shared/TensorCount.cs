using static TorchSharp.torch;

namespace DinoSharp.Tests;

/// <summary>How many tensors there are.</summary>
internal static class TensorCount
{
    /// <summary>The count once what earlier tests left to the collector is gone, which else would go while a test counts.</summary>
    public static long Settled()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Tensor.TotalCount;
    }
}
