using System.Globalization;
using CsvHelper;

namespace DinoSharp.Evaluation.Video.Davis;

/// <summary>The benchmark's numbers over all objects, and its two tables.</summary>
/// <param name="objects">of all sequences, at least one</param>
public sealed class DavisScores(IReadOnlyList<ObjectScore> objects)
{
    /// <summary>Object by object, in the order of the sequences.</summary>
    public IReadOnlyList<ObjectScore> Objects => objects;

    /// <summary>Region similarity, the mean over objects.</summary>
    public MeasureStatistics J { get; } = MeasureStatistics.MeanOf([.. objects.Select(o => o.J)]);

    /// <summary>Boundary accuracy, the mean over objects.</summary>
    public MeasureStatistics F { get; } = MeasureStatistics.MeanOf([.. objects.Select(o => o.F)]);

    /// <summary>The number that methods are compared by: the mean of the two means.</summary>
    public double JAndF => (J.Mean + F.Mean) / 2;

    /// <summary>The numbers of the global table by their columns' names, in parts of 1.</summary>
    public IReadOnlyList<(string Name, double Value)> Global =>
    [
        ("J&F-Mean", JAndF),
        ("J-Mean", J.Mean), ("J-Recall", J.Recall), ("J-Decay", J.Decay),
        ("F-Mean", F.Mean), ("F-Recall", F.Recall), ("F-Decay", F.Decay),
    ];

    /// <summary>Writes global_results-SPLIT.csv and per-sequence_results-SPLIT.csv with the columns of the public evaluation.</summary>
    /// <returns>the two files</returns>
    public (string Global, string PerSequence) Save(string folder, string split)
    {
        string global = Path.Combine(folder, $"global_results-{split}.csv"), perSequence = Path.Combine(folder, $"per-sequence_results-{split}.csv");
        Write(global, [Global.Select(g => g.Name), Global.Select(g => Text(g.Value))]);
        Write(perSequence, [["Sequence", "J-Mean", "F-Mean"], .. objects.Select(o => new[] { o.Name, Text(o.J.Mean), Text(o.F.Mean) })]);
        return (global, perSequence);
    }

    private static string Text(double value) => value.ToString("F3", CultureInfo.InvariantCulture);

    private static void Write(string path, IEnumerable<IEnumerable<string>> rows)
    {
        using var writer = new StreamWriter(path) { NewLine = "\n" };
        using var csv = new CsvWriter(writer, new CsvHelper.Configuration.CsvConfiguration(CultureInfo.InvariantCulture) { NewLine = "\n" });
        foreach (var row in rows)
        {
            foreach (string field in row)
            {
                csv.WriteField(field);
            }

            csv.NextRecord();
        }
    }
}
