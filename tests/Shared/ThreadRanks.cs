using System.Diagnostics.CodeAnalysis;
using DinoSharp.Distributed;
using static TorchSharp.torch;

namespace DinoSharp.Tests;

/// <summary>Ranks that are threads of this process: for what draws nothing from torch's random state, which they would share.</summary>
internal static class ThreadRanks
{
    /// <summary>Does the same work on each rank.</summary>
    /// <returns>what each came to, in the order of the ranks</returns>
    public static T[] Run<T>(int size, Func<ProcessGroup, T> work)
    {
        Meeting meeting = new(size);
        var results = new T[size];
        Exception? failure = null;
        var threads = Enumerable.Range(0, size).Select(rank => new Thread(() =>
        {
            try
            {
                results[rank] = work(new ThreadRank(meeting, rank));
            }
            catch (Exception error)
            {
                failure ??= error;
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        Assert.All(threads, thread => Assert.True(thread.Join(TimeSpan.FromMinutes(1)), $"a rank did not end: {failure}"));
        return failure is null ? results : throw new InvalidOperationException(failure.Message, failure);
    }

    private sealed class Meeting(int size) : IDisposable
    {
        private readonly Barrier _barrier = new(size);

        public Tensor[] Values { get; } = new Tensor[size];

        public long[][] Counts { get; } = new long[size][];

        public byte[][] Messages { get; } = new byte[size][];

        public void Wait() => _barrier.SignalAndWait();

        public void Dispose() => _barrier.Dispose();
    }

    private sealed class ThreadRank(Meeting meeting, int rank) : ProcessGroup
    {
        public override int Rank => rank;

        public override int Size => meeting.Values.Length;

        public override int Processors => 1;

        public override string Describe(int of) => $"rank {of}";

        public override void Sum(Tensor values)
        {
            using var scope = NewDisposeScope();
            var all = Meet(values);
            var sum = all.Skip(1).Aggregate(all[0].clone(), (total, term) => total.add_(term)); // in the order of the ranks
            meeting.Wait(); // all have read
            values.copy_(sum);
        }

        public override PendingSum BeginSum(Tensor values) => new SumOnWait(this, values);

        public override Tensor Gather(Tensor rows)
        {
            using var scope = NewDisposeScope();
            var all = cat(Meet(rows)).MoveToOuterDisposeScope();
            meeting.Wait();
            return all;
        }

        public override Tensor Exchange(Tensor rows, long[] to, long[] from)
        {
            using var scope = NewDisposeScope();
            meeting.Counts[rank] = to;
            var all = Meet(rows);
            var received = cat([.. all.Select((sent, sender) => sent.narrow(0, meeting.Counts[sender].Take(rank).Sum(), meeting.Counts[sender][rank]))]);
            Assert.Equal(from, meeting.Counts.Select(counts => counts[rank]));
            meeting.Wait();
            return received.MoveToOuterDisposeScope();
        }

        public override void Broadcast(Tensor values, int from = 0)
        {
            using var scope = NewDisposeScope();
            var copy = Meet(values)[from].clone();
            meeting.Wait();
            values.copy_(copy);
        }

        public override IReadOnlyList<byte[]> GatherMessages(ReadOnlyMemory<byte> message)
        {
            meeting.Messages[rank] = message.ToArray();
            meeting.Wait();
            byte[][] all = [.. meeting.Messages];
            meeting.Wait();
            return all;
        }

        public override void Barrier() => meeting.Wait();

        [DoesNotReturn]
        public override void Fail(string line, int code) => throw new InvalidOperationException(line);

        public override void Dispose()
        {
        }

        private sealed class SumOnWait(ThreadRank rank, Tensor values) : PendingSum
        {
            public override void Wait() => rank.Sum(values);
        }

        private Tensor[] Meet(Tensor values)
        {
            meeting.Values[rank] = values.detach();
            meeting.Wait();
            return [.. meeting.Values];
        }
    }
}
