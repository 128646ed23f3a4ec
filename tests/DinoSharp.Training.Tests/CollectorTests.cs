using DinoSharp.Models;

namespace DinoSharp.Training.Tests;

/// <summary>TorchSharp's Scalars must not be collected under an operation: see <see cref="TorchRuntime.Sweep"/>.</summary>
public sealed class CollectorTests
{
    private const int Piece = 1000;

    [Fact]
    public void Between_two_sweeps_no_thread_sets_off_a_collection_unless_it_takes_more_than_is_held()
    {
        TorchRuntime.Sweep();
        int before = GC.CollectionCount(0);
        Take(TorchRuntime.HeldBytes * 3 / 4);
        Assert.Equal(before, GC.CollectionCount(0));
        Take(TorchRuntime.HeldBytes);
        Assert.True(GC.CollectionCount(0) > before, "the collector is held back for good");

        TorchRuntime.Sweep(); // and held again
        before = GC.CollectionCount(0);
        Take(TorchRuntime.HeldBytes * 3 / 4);
        Assert.Equal(before, GC.CollectionCount(0));
    }

    [Fact]
    public void Who_holds_the_collector_back_himself_is_not_disturbed()
    {
        TorchRuntime.Sweep();
        GC.Collect(); // ends what the sweep holds
        Assert.True(GC.TryStartNoGCRegion(1 << 20));
        int before = GC.CollectionCount(0);
        TorchRuntime.Sweep();
        Assert.Equal(before, GC.CollectionCount(0));
        GC.EndNoGCRegion();
    }

    private static void Take(long bytes)
    {
        var thread = new Thread(() =>
        {
            for (long taken = 0; taken < bytes; taken += Piece)
            {
                GC.KeepAlive(new byte[Piece]);
            }
        });
        thread.Start();
        thread.Join();
    }
}
