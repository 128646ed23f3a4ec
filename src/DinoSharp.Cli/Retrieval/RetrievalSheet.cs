using System.Globalization;
using DinoSharp.Evaluation.Features;
using DinoSharp.Evaluation.Neighbors;
using DinoSharp.Evaluation.Report;
using DinoSharp.Evaluation.Retrieval;
using DinoSharp.Imaging;

namespace DinoSharp.Cli.Retrieval;

/// <summary>Some queries of a benchmark with what was found first, on one page.</summary>
internal static class RetrievalSheet
{
    private const int Queries = 12;
    private const int Found = 8;

    /// <summary>Writes the page: queries spread over the benchmark, marked by what is right in the medium setting.</summary>
    public static void Write(
        string path, string name, RevisitedBenchmark benchmark, FeatureTable database, FeatureTable queries, IReadOnlyList<int[]> rankings)
    {
        int shown = Math.Min(Queries, queries.Rows);
        var page = new HtmlReport($"{name}: what is found for {shown} of {queries.Rows} queries");
        page.Paragraph("Blue: the query. Green: right in the medium setting. Red: wrong. Grey: junk, which does not count.");
        for (int i = 0; i < shown; i++)
        {
            int q = (int)((long)i * queries.Rows / shown);
            var (right, ignored) = RevisitedScore.Answers(benchmark.Truth.Queries[q], Difficulty.Medium);
            using var query = benchmark.Queries.Load(q, new DecodeOptions());
            page.Heading(string.Create(CultureInfo.InvariantCulture, $"{benchmark.Truth.QueryNames[q]}: {right.Count} right answers"));
            NeighborSheet.AddRow(page, (query, "query"), rankings[q].Take(Found).Select(image => (
                (Func<PixelImage?>)(() => benchmark.Database.Load(image, new DecodeOptions())),
                Cosine(queries.Row(q), database.Row(image)),
                database.Names[image],
                right.Contains(image) ? Mark.Right : ignored.Contains(image) ? Mark.Junk : Mark.Wrong)));
        }

        page.Save(path);
    }

    private static float Cosine(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double product = 0, left = 0, right = 0;
        for (int d = 0; d < a.Length; d++)
        {
            product += (double)a[d] * b[d];
            left += (double)a[d] * a[d];
            right += (double)b[d] * b[d];
        }

        return (float)(product / Math.Max(Math.Sqrt(left * right), 1e-12));
    }
}
