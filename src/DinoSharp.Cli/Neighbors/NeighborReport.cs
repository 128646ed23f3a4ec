using System.Text.Json.Nodes;
using DinoSharp.Data;
using DinoSharp.Evaluation.Features;
using DinoSharp.Evaluation.Neighbors;
using DinoSharp.Evaluation.Report;
using DinoSharp.Imaging;
using DinoSharp.Models.Backbones;

namespace DinoSharp.Cli.Neighbors;

/// <summary>Which neighbours are wanted.</summary>
/// <param name="Count">how many of each image</param>
/// <param name="Path">the .html to write; a .csv of the same name stands beside it</param>
/// <param name="Seed">decides which images the .html shows</param>
internal sealed record NeighborRequest(int Count, string Path, int Seed)
{
    /// <summary>The file of all neighbours.</summary>
    public string CsvPath => System.IO.Path.ChangeExtension(Path, ".csv");

    /// <exception cref="RequestException">The request makes no sense.</exception>
    public NeighborRequest Validated()
    {
        string? fault =
            Count < 1 ? $"--neighbors is at least 1, not {Count}" :
            System.IO.Path.GetExtension(Path).ToLowerInvariant() is not (".html" or ".htm") ? $"--out {Path}: name an .html file" : null;
        return fault is null ? this : throw new RequestException(fault);
    }
}

/// <summary>The neighbours of images without labels: those of some as a page to look at, those of all as a table.</summary>
internal sealed class NeighborReport(
    NeighborRequest request, Backbone backbone, EvaluationLoader loader, DecodeOptions decoding, FeatureWork work, Terminal terminal)
{
    private const int Shown = 24;
    private const int ShownNeighbors = 10;

    /// <summary>Images that are asked for at once: neither their neighbours nor those of all are in memory together.</summary>
    private const int AtOnce = 1024;

    /// <summary>Does the work and tells its results.</summary>
    public void Run()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(request.Path))!);
        var features = work.Take(loader, FeatureFunction.Of(backbone), "images");
        Wording.TellFaults(terminal, loader.Faults.Faults, loader.Source.Count, "were left out");
        using var search = new NearestNeighbors(features.Rows, backbone.parameters().First().device);
        var names = features.Names;
        var found = All(names, search);
        if (Ranks.Group.IsFirst)
        {
            NeighborCsv.Write(request.CsvPath, found, i => names[i]);
        }
        else
        {
            foreach (var _ in found)
            {
                // Its share of the search is all that is asked of it.
            }
        }

        WriteSheet(names, search);
        terminal.Line($"{request.Path}: neighbours of {Math.Min(Shown, names.Count)} images; those of all {Wording.Number(names.Count)} are in {request.CsvPath}");
        terminal.Result(new JsonObject
        {
            ["images"] = names.Count,
            ["neighbors"] = Math.Min(request.Count, names.Count - 1),
            ["sheet"] = Path.GetFullPath(request.Path),
            ["csv"] = Path.GetFullPath(request.CsvPath),
            ["skipped"] = new JsonArray([.. loader.Faults.Faults.Select(f => new JsonObject { ["name"] = f.Name, ["reason"] = f.Reason })]),
        });
    }

    private IEnumerable<(string Query, Neighbor[] Neighbors)> All(IReadOnlyList<string> names, NearestNeighbors search)
    {
        using var progress = new ImageProgress(terminal, "neighbours", names.Count);
        for (int start = 0; start < names.Count; start += AtOnce)
        {
            long[] rows = [.. Enumerable.Range(start, Math.Min(AtOnce, names.Count - start)).Select(row => (long)row)];
            var found = search.Of(rows, request.Count);
            for (int i = 0; i < rows.Length; i++)
            {
                yield return (names[start + i], found[i]);
            }

            progress.Show(start + rows.Length);
        }

        progress.Finish();
    }

    private void WriteSheet(IReadOnlyList<string> names, NearestNeighbors search)
    {
        var source = loader.Source;
        var indices = Enumerable.Range(0, source.Count).Except(loader.Faults.Faults.Select(f => f.Index)).ToArray(); // of each row
        int[] drawn = Draw(names.Count);
        var page = new HtmlReport($"Nearest neighbours of {drawn.Length} of {Wording.Number(names.Count)} images of {source.Path}");
        var found = search.Of([.. drawn.Select(row => (long)row)], Math.Min(request.Count, ShownNeighbors));
        if (!Ranks.Group.IsFirst)
        {
            return;
        }

        foreach (var (row, neighbors) in drawn.Zip(found))
        {
            if (Load(indices[row]) is not { } query)
            {
                continue; // gone since its feature was taken
            }

            using (query)
            {
                NeighborSheet.AddRow(page, (query, names[row]), neighbors.Select(n => (
                    (Func<PixelImage?>)(() => Load(indices[n.Index])), n.Similarity, names[n.Index], Mark.Found)));
            }
        }

        page.Save(request.Path);
    }

    private PixelImage? Load(int index) => new FaultLog().TryLoad(loader.Source, index, decoding);

    /// <summary>Different rows, in ascending order.</summary>
    private int[] Draw(int rows)
    {
        SampleRandom random = new((ulong)request.Seed, epoch: 0, index: -1, view: 0);
        SortedSet<int> drawn = [];
        while (drawn.Count < Math.Min(Shown, rows))
        {
            drawn.Add(random.NextInt(rows));
        }

        return [.. drawn];
    }
}
