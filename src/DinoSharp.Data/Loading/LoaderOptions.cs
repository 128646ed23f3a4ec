using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>How images are loaded ahead of their use.</summary>
public sealed record LoaderOptions
{
    private readonly int _batchSize = 64;
    private readonly int _shares = 1;
    private readonly int _threads = Environment.ProcessorCount;
    private readonly int _prefetch = 2;
    private readonly int _shuffleBuffer = 1000;
    private readonly double _faultShareLimit = 0.05;

    /// <summary>Images a batch, those of all shares.</summary>
    public int BatchSize
    {
        get => _batchSize;
        init => _batchSize = AtLeastOne(value);
    }

    /// <summary>Processes that share each batch, each with a loader of its own.</summary>
    public int Shares
    {
        get => _shares;
        init => _shares = AtLeastOne(value);
    }

    /// <summary>Which of the equal shares of each batch is loaded, from 0.</summary>
    public int Share { get; init; }

    /// <summary>Images of a batch that are loaded.</summary>
    public int ShareSize => BatchSize / Shares;

    /// <summary>Threads that decode and augment; by default one a processor. What is loaded does not depend on it.</summary>
    public int Threads
    {
        get => _threads;
        init => _threads = AtLeastOne(value);
    }

    /// <summary>Batches in memory at most, besides the one in use.</summary>
    public int Prefetch
    {
        get => _prefetch;
        init => _prefetch = AtLeastOne(value);
    }

    /// <summary>
    /// Images of a streamed source that are held in memory, not decoded, for the next to be drawn from. Other sources are shuffled as a whole.
    /// </summary>
    public int ShuffleBuffer
    {
        get => _shuffleBuffer;
        init => _shuffleBuffer = AtLeastOne(value);
    }

    /// <summary>Whether batches of training lie in pinned memory, from which a GPU copies while it computes; there must be one.</summary>
    public bool Pinned { get; init; }

    /// <summary>Determines the order of the images and their views.</summary>
    public ulong Seed { get; init; }

    /// <summary>The part of a source's images, from 0 to 1, that may be unusable before loading gives up.</summary>
    public double FaultShareLimit
    {
        get => _faultShareLimit;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 1);
            _faultShareLimit = value;
        }
    }

    /// <summary>What images are decoded to, and the limits on them.</summary>
    public DecodeOptions Decoding { get; init; } = new();

    /// <summary>The same for images of another number of channels.</summary>
    public LoaderOptions WithChannels(int channels) => this with { Decoding = Decoding with { Channels = channels } };

    private static int AtLeastOne(int value)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
        return value;
    }
}
