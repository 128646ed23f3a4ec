using System.Diagnostics;
using DinoSharp.Evaluation.Features;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Tests.Features;

/// <summary>What counts the memory of the process runs while nothing else does.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

[Collection(nameof(Alone))]
public sealed class CosineIndexTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData(1 << 20)]
    public void Nearest_rows_are_those_of_a_full_sort_and_equals_stand_by_row(long blockBytes)
    {
        using var scope = NewDisposeScope();
        manual_seed(0);
        var database = randint(-2, 3, [500, 6]).to(ScalarType.Float32); // small whole numbers: many equal similarities
        var queries = randint(-2, 3, [37, 6]).to(ScalarType.Float32) + 0.5f;
        using CosineIndex index = new(database, blockBytes);
        var chunks = index.Chunks(queries);
        var nearest = chunks.Select(chunk => index.Nearest(chunk, 90)).ToList();
        var (similarities, rows) = (cat([.. nearest.Select(n => n.Similarities)]), cat([.. nearest.Select(n => n.Rows)]));

        // In double precision, so that what is equal is equal.
        var all = nn.functional.normalize(queries.to(ScalarType.Float64)).matmul(nn.functional.normalize(database.to(ScalarType.Float64)).t());
        var expected = all.sort(1, descending: true, stable: true).Values.narrow(1, 0, 90);
        Assert.True((similarities - expected).abs().max().item<double>() < 1e-6);
        Assert.True((all.gather(1, rows) - expected).abs().max().item<double>() < 1e-6);
        float[] values = similarities.data<float>().ToArray();
        long[] indices = rows.data<long>().ToArray();
        Assert.All(Enumerable.Range(1, values.Length - 1).Where(i => i % 90 > 0), i =>
            Assert.True(values[i - 1] > values[i] || (values[i - 1] == values[i] && indices[i - 1] < indices[i])));
    }

    [Fact]
    public void Duplicates_stand_by_row_and_an_excluded_row_is_left_out()
    {
        using var scope = NewDisposeScope();
        var database = tensor([1f, 0, 0, 1, 1, 0, 1, 0, 0, 1], 5, 2);
        using CosineIndex index = new(database);
        var (_, rows) = index.Nearest(index.Chunks(database.narrow(0, 2, 1))[0], 4, [2]);
        Assert.Equal([0, 3, 1, 4], rows.data<long>().ToArray());
        Assert.Equal([0, 2, 3, 1, 4], index.Ranking(database.narrow(0, 2, 1)));
    }

    /// <summary>The database is used where it is, and a search takes a block and its result: not a second copy, and not M x N similarities.</summary>
    [Fact]
    public void A_search_takes_a_small_memory_of_its_own()
    {
        const int rows = 400_000, dim = 96, queries = 3000; // 154 MB; all similarities would take 4.8 GB
        using var scope = NewDisposeScope();
        float[] values = new float[rows * dim];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (i * 2654435761L % 1000 - 500) / 500f;
        }

        var table = frombuffer(values, ScalarType.Float32).view(rows, dim); // the same memory
        long before = Resident();
        using CosineIndex index = new(table);
        var chunks = index.Chunks(table.narrow(0, 0, queries));
        long most = 0;
        foreach (var chunk in chunks.Take(1))
        {
            using var chunkScope = NewDisposeScope();
            index.Nearest(chunk, 20);
            most = Resident() - before;
        }

        Assert.InRange(most, long.MinValue, 120L << 20);

        static long Resident()
        {
            using var process = Process.GetCurrentProcess();
            return process.WorkingSet64;
        }
    }
}
