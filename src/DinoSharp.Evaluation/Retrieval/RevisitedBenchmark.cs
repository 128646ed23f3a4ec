using DinoSharp.Data;
using DinoSharp.Evaluation.Features;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Retrieval;

/// <summary>
/// Image retrieval on revisited Oxford or Paris (arXiv 1803.11285) with frozen features, as arXiv 2104.14294, section 4.2.1 does it: all
/// images of the database are ranked by the cosine of their features with a query's.
/// </summary>
public sealed record RevisitedBenchmark : IDisposable
{
    private RevisitedBenchmark(RevisitedGroundTruth truth, IImageSource database, IImageSource queries) =>
        (Truth, Database, Queries) = (truth, database, queries);

    /// <summary>Names and answers.</summary>
    public RevisitedGroundTruth Truth { get; }

    /// <summary>The images to be ranked.</summary>
    public IImageSource Database { get; }

    /// <summary>The images to rank them by.</summary>
    public IImageSource Queries { get; }

    /// <summary>Opens the public layout: <c>DATA/roxford5k/gnd_roxford5k.pkl</c> and <c>DATA/roxford5k/jpg/NAME.jpg</c>.</summary>
    /// <param name="data">the folder of the benchmarks</param>
    /// <param name="name">roxford5k or rparis6k: the folder's and the ground truth's name</param>
    /// <param name="cropQueries">
    /// whether queries are cut out of their images, as the benchmark's authors have it; the published numbers of arXiv 2104.14294 are of
    /// whole images
    /// </param>
    /// <exception cref="EvaluationException">Images or the ground truth are missing, or do not fit together.</exception>
    public static RevisitedBenchmark Open(string data, string name, bool cropQueries = false)
    {
        string folder = Path.Combine(data, name), images = Path.Combine(folder, "jpg");
        if (!Directory.Exists(folder))
        {
            throw new EvaluationException($"{folder}: there is no such folder; name the one that holds {name}/gnd_{name}.pkl and {name}/jpg/");
        }

        var truth = RevisitedGroundTruth.Read(Path.Combine(folder, $"gnd_{name}.pkl"));
        if (cropQueries && truth.Queries.Index().FirstOrDefault(q => q.Item.Box is null) is (var query, { }))
        {
            throw new EvaluationException($"{truth.Path}: query {query} has no bbx to cut it out by; take whole queries");
        }

        return new RevisitedBenchmark(
            truth,
            new RevisitedImages(images, truth.Database),
            new RevisitedImages(images, truth.QueryNames, cropQueries ? [.. truth.Queries.Select(q => q.Box)] : null));
    }

    /// <summary>All images of a database in the order of their similarity to each query, most similar first; of equals the lower first.</summary>
    /// <param name="database">a row an image; of several processes each compares its share</param>
    /// <param name="queries">a row a query</param>
    /// <returns>rows of the database, a ranking a query, on each of the processes</returns>
    /// <exception cref="EvaluationException">Features are not finite or of different lengths.</exception>
    public static IReadOnlyList<int[]> Rank(SharedRows database, SharedRows queries)
    {
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(queries);
        using CosineIndex index = new(database);
        List<int[]> rankings = [];
        foreach (var chunk in index.Chunks(queries))
        {
            using var scope = NewDisposeScope();
            using var rows = chunk;
            rankings.AddRange(rows.split(1).Select(index.Ranking));
        }

        return rankings;
    }

    public void Dispose()
    {
        Database.Dispose();
        Queries.Dispose();
    }
}
