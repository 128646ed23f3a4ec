using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace DinoSharp.Distributed.Tests.Ranks;

/// <summary>What ranks do in the tests. A test computes in one process what must come of it.</summary>
internal static class Scenarios
{
    /// <summary>Kinds and numbers of values: none, fewer than ranks, small pieces, several pieces that no number of ranks divides.</summary>
    public static readonly ScalarType[] Types = [ScalarType.Float32, ScalarType.Float64, ScalarType.Int64];
    public static readonly long[] Counts = [0, 1, 5, 1000, 2049, 100_003, 1_300_001];

    public static readonly IReadOnlyDictionary<string, Action<Rank>> All = new Dictionary<string, Action<Rank>>
    {
        ["work"] = rank =>
        {
            Operations(rank);
            Pending(rank);
            Gradients(rank);
            Share(rank);
            Leaks(rank);
            Surroundings(rank);
        },
        ["large"] = Large,
        ["disagree"] = Disagree,
        ["wait"] = rank => WaitWhile(rank, () => Thread.Sleep(Timeout.Infinite)),
        ["busy"] = Busy,
        ["fail"] = rank => WaitWhile(rank, () => throw new IOException("No space left on device : '/runs/one'")),
        ["fault"] = rank => WaitWhile(rank, () => new Thread(() => throw new InvalidOperationException("a fault")).Start()),
        ["same-fault"] = _ => throw new IOException("No such data"),
        ["measure"] = Measure,
    };

    private static void Operations(Rank rank)
    {
        var group = rank.Group;
        foreach (var type in Types)
        {
            foreach (long count in Counts)
            {
                using var sum = Rank.Values(type, count, group.Rank);
                group.Sum(sum);
                rank.Keep($"sum {type} {count}", sum);

                using var rows = Rank.Values(type, count * 2, group.Rank);
                using var shaped = rows.view(count, 2);
                using var all = group.Gather(shaped);
                rank.Keep($"gather {type} {count}", all);

                using var given = Rank.Values(type, count, group.Rank);
                group.Broadcast(given, group.Size - 1);
                rank.Keep($"broadcast {type} {count}", given);
            }
        }

        Exchanges(rank);
        using var turned = Rank.Values(ScalarType.Float32, 12, group.Rank);
        using var columns = turned.view(4, 3).t();
        using var gathered = group.Gather(columns);
        rank.Keep("gather of columns", gathered);

        var messages = group.GatherMessages(Encoding.UTF8.GetBytes(new string('x', group.Rank * 70_000) + group.Rank));
        rank.Results["messages"] = string.Join(" ", messages.Select(message => $"{message.Length}:{(char)message[^1]}"));
        rank.Results["empty messages"] = group.GatherMessages(ReadOnlyMemory<byte>.Empty).Sum(message => message.Length);
        group.Barrier();
    }

    /// <summary>How many rows a rank has for another: none for some, and other numbers for the others.</summary>
    public static long Sent(int from, int to) => (2 * from + to) % 3;

    private static void Exchanges(Rank rank)
    {
        var group = rank.Group;
        int[] ranks = [.. Enumerable.Range(0, group.Size)];
        long[] to = [.. ranks.Select(other => Sent(group.Rank, other))], from = [.. ranks.Select(other => Sent(other, group.Rank))];
        foreach (var type in Types)
        {
            using var rows = Rank.Values(type, to.Sum() * 7, group.Rank);
            using var shaped = rows.view(-1, 7);
            using var exchanged = group.Exchange(shaped, to, from);
            rank.Keep($"exchange {type}", exchanged);
        }

        // More than goes in one round, and from one rank to one other alone.
        using var many = arange(9_000_000, ScalarType.Float32);
        using var nothing = many.narrow(0, 0, 0);
        long[] one = new long[group.Size], none = new long[group.Size];
        one[group.IsFirst ? 1 : 0] = 9_000_000;
        using var got = group.Rank switch
        {
            0 => group.Exchange(many, one, none),
            1 => group.Exchange(nothing, none, one),
            _ => group.Exchange(nothing, none, none),
        };
        rank.Results["large exchange"] = Rank.Bits(got) == Rank.Bits(group.Rank == 1 ? many : nothing);
    }

    /// <summary>Many sums under way, other operations between, and waiting in another order than they began.</summary>
    private static void Pending(Rank rank)
    {
        var sums = new List<(Tensor Values, PendingSum Sum)>();
        for (int i = 0; i < 40; i++)
        {
            var values = Rank.Values(ScalarType.Float32, i % 4 == 3 ? 700_001 : 10 * i, rank.Group.Rank, salt: i);
            sums.Add((values, rank.Group.BeginSum(values)));
            if (i % 7 == rank.Group.Rank % 7)
            {
                Thread.Sleep(5); // ranks are not in step
            }

            if (i % 10 == 0)
            {
                using var one = Rank.Values(ScalarType.Int64, 3, rank.Group.Rank, salt: i);
                using var all = rank.Group.Gather(one);
                rank.Keep($"between {i} gather", all);
                rank.Group.Sum(one);
                rank.Keep($"between {i} sum", one);
            }
        }

        foreach (var (i, (values, sum)) in sums.Index().Reverse())
        {
            sum.Wait();
            rank.Keep($"pending {i}", values);
            values.Dispose();
        }
    }

    private static void Gradients(Rank rank)
    {
        using var scope = NewDisposeScope();
        int own = rank.Group.Rank;
        var x = Rank.Values(ScalarType.Float64, 12, own).div_(500).view(4, 3).requires_grad_();
        Losses.OfSum(RankSum.Of(rank.Group, x * x), own).backward();
        rank.KeepValues("gradient through sum", x.grad!);

        var y = Rank.Values(ScalarType.Float64, 12, own).div_(500).view(4, 3).requires_grad_();
        Losses.OfRows(RankRows.Of(rank.Group, y * y), own).backward();
        rank.KeepValues("gradient through rows", y.grad!);
    }

    /// <summary>Three views of two images a rank.</summary>
    private static void Share(Rank rank)
    {
        using var scope = NewDisposeScope();
        BatchShare share = new(rank.Group, Images: 2);
        var whole = Rank.Values(ScalarType.Float64, 3 * rank.Group.Size * 2 * 5, 0).div_(500).view(-1, 5).requires_grad_();
        var own = share.Own(whole);
        rank.Keep("own", own);
        rank.Keep("whole", share.Whole(own));
        rank.Keep("rest", share.Own(whole) - share.Own(share.Whole(own)));

        var back = share.WholeWithGradients(own);
        rank.Keep("whole with gradients", back);
        Losses.OfRows(back, rank.Group.Rank).backward();
        var gradient = whole.grad!.clone(); // of this rank's rows
        rank.Group.Sum(gradient);
        rank.KeepValues("share gradient", gradient);

        manual_seed(11);
        rank.Keep("draw", share.Draw(6, rows => rand(rows, 4, ScalarType.Float64)));
        rank.Keep("next draw", rand(3, ScalarType.Float64));
    }

    private static void Leaks(Rank rank)
    {
        Once();
        long before = Tensor.TotalCount;
        for (int i = 0; i < 50; i++)
        {
            Once();
        }

        rank.Results["tensors"] = Tensor.TotalCount - before;

        void Once()
        {
            using var scope = NewDisposeScope();
            var x = Rank.Values(ScalarType.Float32, 1000, rank.Group.Rank).view(10, 100).requires_grad_();
            (RankSum.Of(rank.Group, x).sum() + RankRows.Of(rank.Group, x).sum()).backward();
            rank.Group.Gather(x.grad!);
            rank.Group.BeginSum(x.grad!).Wait();
            rank.Group.Broadcast(x.grad!);
            new BatchShare(rank.Group, 5).WholeWithGradients(x).sum().backward();
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    private static void Surroundings(Rank rank)
    {
        rank.Results["processors"] = rank.Group.Processors;
        rank.Results["described"] = rank.Group.Describe(rank.Group.Rank);
        try
        {
            rank.Results["length"] = ((string)null!).Length;
        }
        catch (NullReferenceException)
        {
            rank.Results["null reference"] = "an exception"; // and not a signal that a library has taken for itself
        }
    }

    /// <summary>More bytes than MPI counts in 32 bits, and more than go at a time.</summary>
    private static void Large(Rank rank)
    {
        using var scope = NewDisposeScope();
        var (own, size) = (rank.Group.Rank, rank.Group.Size);
        var values = full(560_000_003, own + 1, ScalarType.Float32);
        rank.Group.Sum(values);
        rank.Results["sum"] = $"{values.min().item<float>()} {values.max().item<float>()}";
        values.fill_(own);
        rank.Group.Broadcast(values, size - 1);
        rank.Results["broadcast"] = $"{values.min().item<float>()} {values.max().item<float>()}";

        var rows = arange(20_000_001, ScalarType.Int64);
        var all = rank.Group.Gather(rows + own);
        rank.Results["gather"] = Enumerable.Range(0, size).All(r => all.view(size, -1)[r].eq(rows + r).all().item<bool>());
    }

    private static void Disagree(Rank rank) => RankAgreement.Require(rank.Group, new JsonObject
    {
        ["seed"] = rank.Group.Rank == 1 ? 5 : 0,
        ["method"] = "dino",
        ["data"] = rank.Group.Rank == 1 ? "100 images" : "101 images",
    });

    /// <summary>The last rank does something else while the others wait for it.</summary>
    private static void WaitWhile(Rank rank, Action something)
    {
        if (rank.Group.Rank == rank.Group.Size - 1)
        {
            something();
            Thread.Sleep(Timeout.Infinite);
        }

        rank.Group.Barrier();
    }

    /// <summary>The last rank computes for longer than a silence may last.</summary>
    private static void Busy(Rank rank)
    {
        if (rank.Group.Rank == rank.Group.Size - 1)
        {
            var watch = Stopwatch.StartNew();
            using var matrix = rand(200, 200);
            while (watch.Elapsed < TimeSpan.FromSeconds(8))
            {
                using var product = matrix.matmul(matrix);
            }
        }

        using var process = Process.GetCurrentProcess();
        var before = process.TotalProcessorTime;
        using var values = ones(1000);
        rank.Group.Sum(values);
        process.Refresh();
        rank.Results["processor seconds"] = (process.TotalProcessorTime - before).TotalSeconds;
    }

    /// <summary>How long sums take; for people.</summary>
    private static void Measure(Rank rank)
    {
        foreach (int count in new[] { 1, 256, 2048, 16_384, 262_144, 21_000_000 })
        {
            using var values = ones(count);
            int repeats = Math.Clamp(200_000_000 / (count + 10_000), 5, 2000);
            var times = new List<double>();
            for (int i = 0; i < repeats; i++)
            {
                rank.Group.Barrier();
                long start = Stopwatch.GetTimestamp();
                rank.Group.Sum(values);
                times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
            }

            times.Sort();
            if (rank.Group.IsFirst)
            {
                Console.WriteLine($"{count,10} float32: median {times[repeats / 2]:F0} µs, 95% {times[repeats * 95 / 100]:F0} µs");
            }
        }

        MeasureOverlap(rank);
    }

    private static void MeasureOverlap(Rank rank)
    {
        using var gradient = ones(21_000_000);
        using var matrix = rand(600, 600);
        double alone = Seconds(() => Compute(150)), sum = Seconds(() => rank.Group.Sum(gradient));
        double together = Seconds(() =>
        {
            var pending = rank.Group.BeginSum(gradient);
            Compute(150);
            pending.Wait();
        });
        if (rank.Group.IsFirst)
        {
            Console.WriteLine($"computing {alone:F3} s, a sum of 21,000,000 {sum:F3} s, together {together:F3} s");
        }

        double Seconds(Action work)
        {
            work();
            rank.Group.Barrier();
            long start = Stopwatch.GetTimestamp();
            work();
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        void Compute(int times)
        {
            for (int i = 0; i < times; i++)
            {
                using var product = matrix.matmul(matrix);
            }
        }
    }
}
