using DinoSharp.Checkpoints;
using DinoSharp.Imaging;

namespace DinoSharp.Evaluation.Retrieval;

/// <summary>What is known of a query of the revisited benchmarks.</summary>
/// <param name="Easy">database images that show the query's place clearly</param>
/// <param name="Hard">database images that show it, but seen otherwise, small or in part</param>
/// <param name="Junk">database images that show next to nothing of it: neither right nor wrong</param>
/// <param name="Box">where the place is in the query's image, in pixels: left, top, right, bottom; null where it is not said</param>
public sealed record RevisitedQuery(IReadOnlyList<int> Easy, IReadOnlyList<int> Hard, IReadOnlyList<int> Junk, IReadOnlyList<double>? Box);

/// <summary>
/// The images and answers of revisited Oxford or Paris (arXiv 1803.11285), as the benchmark's authors give them out:
/// <c>gnd_roxford5k.pkl</c>, a pickled dict of imlist, qimlist and gnd. It is read as data; nothing in it is executed.
/// </summary>
public sealed record RevisitedGroundTruth
{
    /// <summary>The file that was read.</summary>
    public required string Path { get; init; }

    /// <summary>Names of the database's images, without ending.</summary>
    public required IReadOnlyList<string> Database { get; init; }

    /// <summary>Names of the queries' images, without ending.</summary>
    public required IReadOnlyList<string> QueryNames { get; init; }

    /// <summary>What is known of each query.</summary>
    public required IReadOnlyList<RevisitedQuery> Queries { get; init; }

    /// <summary>Reads a ground truth file.</summary>
    /// <exception cref="EvaluationException">One line: it is missing, damaged, or its parts do not fit together.</exception>
    public static RevisitedGroundTruth Read(string path)
    {
        object? root;
        try
        {
            root = PickleFile.Read(path);
        }
        catch (CheckpointException error)
        {
            throw new EvaluationException($"{error.Message}; get the benchmark's gnd_*.pkl (arXiv 1803.11285) again", error);
        }

        var database = Texts(path, Member(path, root, "imlist"), "imlist");
        var names = Texts(path, Member(path, root, "qimlist"), "qimlist");
        var queries = Elements(path, Member(path, root, "gnd"), "gnd").Select((query, i) => Query(path, query, i, database.Count)).ToList();
        if (queries.Count != names.Count)
        {
            throw Fault(path, $"it has {names.Count} queries in qimlist but answers to {queries.Count} in gnd");
        }

        return queries.Count > 0 && database.Count > 0
            ? new RevisitedGroundTruth { Path = path, Database = database, QueryNames = names, Queries = queries }
            : throw Fault(path, "it has no queries or no images");
    }

    private static RevisitedQuery Query(string path, object? query, int number, int images)
    {
        int[] Indices(string name)
        {
            string what = $"{name} of query {number}";
            int[] indices = [.. Elements(path, Member(path, query, name), what).Select(e => Index(path, e, what))];
            return Array.TrueForAll(indices, i => i >= 0 && i < images)
                ? indices
                : throw Fault(path, $"{what} names image {indices.First(i => i < 0 || i >= images)}, but imlist has {images}");
        }

        return new RevisitedQuery(Indices("easy"), Indices("hard"), Indices("junk"), Box(path, query, number));
    }

    private static double[]? Box(string path, object? query, int number)
    {
        if (query is not OrderedDictionary<object, object?> members || !members.TryGetValue("bbx", out object? box) || box is null)
        {
            return null;
        }

        double[] sides = [.. Elements(path, box, $"bbx of query {number}").Select(side => side switch
        {
            double real => real,
            long whole => whole,
            _ => double.NaN,
        })];
        return sides is [var left, var top, var right, var bottom] && left < right && top < bottom
            ? sides
            : throw Fault(path, $"bbx of query {number} is not left, top, right, bottom");
    }

    private static int Index(string path, object? element, string what) => element switch
    {
        long whole when whole is >= int.MinValue and <= int.MaxValue => (int)whole,
        double real when real == Math.Floor(real) && Math.Abs(real) < int.MaxValue => (int)real,
        _ => throw Fault(path, $"{what} holds something that is no image's number"),
    };

    private static List<string> Texts(string path, object? list, string what) =>
        [.. Elements(path, list, what).Select(e => e as string ?? throw Fault(path, $"{what} holds something that is no name"))];

    private static object? Member(string path, object? dictionary, string name) =>
        dictionary is OrderedDictionary<object, object?> members && members.TryGetValue(name, out object? member)
            ? member
            : throw Fault(path, $"it has no '{name}'");

    /// <summary>What a list, tuple or NumPy array holds.</summary>
    private static IEnumerable<object?> Elements(string path, object? list, string what) => list switch
    {
        List<object?> elements => elements,
        object?[] elements => elements,
        PickledArray { Data: { Type: ElementType.Float32 or ElementType.Float64 } data } => data.ToFloat32().Select(v => (object?)(double)v),
        PickledArray { Data: var data } => data.ToInt64().Select(v => (object?)v),
        _ => throw Fault(path, $"{what} is no list"),
    };

    private static EvaluationException Fault(string path, string what) =>
        new($"{path}: not the ground truth of a revisited benchmark: {what}; get its gnd_*.pkl (arXiv 1803.11285) again");
}
