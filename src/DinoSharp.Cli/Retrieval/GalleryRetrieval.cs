using System.Globalization;
using System.Text.Json.Nodes;
using DinoSharp.Checkpoints;
using DinoSharp.Data;
using DinoSharp.Evaluation.Features;
using DinoSharp.Evaluation.Neighbors;
using DinoSharp.Evaluation.Report;
using DinoSharp.Evaluation.Retrieval;
using DinoSharp.Imaging;

namespace DinoSharp.Cli.Retrieval;

/// <summary>What is asked of a gallery.</summary>
/// <param name="Gallery">images to be indexed; null to ask an index as it is</param>
/// <param name="Index">the index's file</param>
/// <param name="Queries">pictures and folders of pictures</param>
/// <param name="Top">how many are looked for</param>
/// <param name="Out">folder for what was found; null for none</param>
internal sealed record GalleryRequest(string? Gallery, string Index, string[] Queries, int Top, string? Out)
{
    /// <exception cref="RequestException">The request makes no sense.</exception>
    public GalleryRequest Validated()
    {
        string? fault =
            !Index.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase) ? $"--index {Index}: name a .safetensors file" :
            Gallery is null && Queries.Length == 0 ? "--gallery or --query is missing: give images to index, or pictures to look for" :
            Gallery is null && !File.Exists(Index) ? $"--index {Index}: there is no such index; make it with --gallery" :
            Out is not null && Queries.Length == 0 ? "--out is for what is found: give --query too" :
            Queries.FirstOrDefault(q => !File.Exists(q) && !Directory.Exists(q)) is { } missing ? $"--query {missing}: there is no such file or folder" :
            null;
        return fault is null ? this : throw new RequestException(fault);
    }
}

/// <summary>A gallery of one's own on the command line: brings its index up to date and asks it.</summary>
internal sealed class GalleryRetrieval(GalleryRequest request, WholeImageFeatures features, LoaderOptions loading, Terminal terminal)
{
    private const int RowsOfTable = 60;
    private const int QueriesOfSheet = 50;
    private const int FoundOfSheet = 12;

    /// <summary>Does the work and tells its results.</summary>
    public void Run()
    {
        if (!features.Group.IsFirst)
        {
            TakePart();
            return;
        }

        var result = new JsonObject { ["index"] = Path.GetFullPath(request.Index) };
        var index = request.Gallery is null ? GalleryIndex.Read(request.Index) : Update(request.Gallery, result);
        index.RequireSettings(request.Index, features.SettingsWith(loading.Decoding));
        result["images"] = index.Table.Rows;
        if (request.Queries.Length > 0)
        {
            Ask(index, result);
        }

        terminal.Result(result);
    }

    /// <summary>The part of a process beside the first, which has the index and tells the results.</summary>
    private void TakePart()
    {
        if (request.Gallery is { } path)
        {
            using var gallery = ImageSources.Open(path);
            features.TakePart(Loader(gallery));
        }

        if (request.Queries.Length > 0)
        {
            using var pictures = QueryPictures.Open(request.Queries);
            features.TakePart(Loader(pictures));
            Find(null, null);
        }
    }

    private IReadOnlyList<Neighbor[]> Find(FeatureTable? gallery, FeatureTable? queries)
    {
        using var search = new NearestNeighbors(SharedRows.Deal(features.Group, gallery));
        return search.Of(SharedRows.Deal(features.Group, queries), request.Top);
    }

    private WholeImageLoader Loader(IImageSource source) => new(source, features.LongestSide, loading);

    private GalleryIndex Update(string path, JsonObject result)
    {
        using var gallery = ImageSources.Open(path);
        Wording.TellNotices(terminal, gallery);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(request.Index))!);
        var loader = Loader(gallery);
        var (index, change) = Updated(loader);
        Wording.TellFaults(terminal, loader.Faults.Faults, gallery.Count, "are not in the index");
        string goneOnWith = change.GoneOnWith > 0 ? $" ({Wording.Number(change.GoneOnWith)} of them computed before, when the work was cut off)" : "";
        terminal.Line($"{request.Index}: {Wording.Number(index.Table.Rows)} images; {Wording.Number(change.Added)} added{goneOnWith}, "
            + $"{Wording.Number(change.Kept)} kept, {Wording.Number(change.Removed)} taken out");
        (result["added"], result["kept"], result["removed"]) = (change.Added, change.Kept, change.Removed);
        result["skipped"] = new JsonArray([.. loader.Faults.Faults.Select(f => new JsonObject { ["name"] = f.Name, ["reason"] = f.Reason })]);
        return index;
    }

    private (GalleryIndex Index, GalleryChange Change) Updated(WholeImageLoader loader)
    {
        ImageProgress? progress = null;
        try
        {
            var updated = GalleryIndex.Update(request.Index, features, loader, Show);
            progress?.Finish();
            return updated;
        }
        finally
        {
            progress?.Dispose();
        }

        void Show(int done)
        {
            progress ??= new ImageProgress(terminal, "index", loader.Source.Count, done); // first of all it tells what is there
            progress.Show(done);
        }
    }

    private void Ask(GalleryIndex index, JsonObject result)
    {
        using var pictures = QueryPictures.Open(request.Queries);
        var loader = Loader(pictures);
        using var progress = new ImageProgress(terminal, "query", pictures.Count);
        var queries = features.Table(loader, progress.Show);
        progress.Finish();
        Wording.TellFaults(terminal, loader.Faults.Faults, pictures.Count, "could not be asked for");
        var found = Find(index.Table, queries);

        var rows = queries.Names.Zip(found).SelectMany(q => q.Second.Select((n, rank) => (string[])
            [q.First, (rank + 1).ToString(CultureInfo.InvariantCulture), n.Similarity.ToString("F4", CultureInfo.InvariantCulture), index.Table.Names[n.Index]]));
        terminal.Table(["query", "rank", "similarity", "path"], rows.Take(RowsOfTable));
        if (queries.Rows * found[0].Length > RowsOfTable)
        {
            terminal.Line($"and so on; all are in neighbours.csv of --out, and in the result of --json");
        }

        result["queries"] = new JsonArray([.. queries.Names.Zip(found, (name, neighbors) => new JsonObject
        {
            ["query"] = name,
            ["neighbours"] = new JsonArray([.. neighbors.Select(n => new JsonObject
            {
                ["path"] = index.Table.Names[n.Index],
                ["similarity"] = n.Similarity,
            })]),
        })]);
        if (request.Out is { } folder)
        {
            Directory.CreateDirectory(folder);
            string csv = Path.Combine(folder, "neighbours.csv"), sheet = Path.Combine(folder, "neighbours.html");
            NeighborCsv.Write(csv, queries.Names.Zip(found), i => index.Table.Names[i]);
            WriteSheet(sheet, pictures, queries, index, found);
            terminal.Line($"{csv}, {sheet}");
            (result["csv"], result["sheet"]) = (Path.GetFullPath(csv), Path.GetFullPath(sheet));
        }
    }

    private void WriteSheet(string path, QueryPictures pictures, FeatureTable queries, GalleryIndex index, IReadOnlyList<Neighbor[]> found)
    {
        using var gallery = TryOpen(index.Gallery);
        Dictionary<string, int> places = [];
        if (gallery is not null)
        {
            for (int i = 0; i < gallery.Count; i++)
            {
                places[gallery.NameOf(i)] = i;
            }
        }

        var page = new HtmlReport($"Most alike among {Wording.Number(index.Table.Rows)} images of {index.Gallery}");
        int shown = 0;
        for (int i = 0; i < pictures.Count && shown < Math.Min(queries.Rows, QueriesOfSheet); i++)
        {
            if (pictures.NameOf(i) != queries.Names[shown])
            {
                continue; // could not be asked for
            }

            using var query = pictures.Load(i, loading.Decoding);
            NeighborSheet.AddRow(page, (query, queries.Names[shown]), found[shown].Take(FoundOfSheet).Select(n => (
                (Func<PixelImage?>)(() => TryLoad(index.Table.Names[n.Index])),
                n.Similarity,
                index.Table.Names[n.Index],
                Mark.Found)));
            shown++;
        }

        page.Save(path);

        PixelImage? TryLoad(string name) =>
            gallery is not null && places.TryGetValue(name, out int place) ? new FaultLog().TryLoad(gallery, place, loading.Decoding) : null;
    }

    /// <summary>
    /// The gallery; null where it cannot be opened. It, or what was indexed of it, may have gone or changed since; the sheet says so in its place.
    /// </summary>
    private static IImageSource? TryOpen(string path)
    {
        try
        {
            return ImageSources.Open(path);
        }
        catch (ImageSourceException)
        {
            return null;
        }
    }
}
