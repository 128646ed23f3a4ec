using System.Globalization;

namespace DinoSharp.Evaluation.Report;

/// <summary>A protocol's tables.</summary>
/// <param name="Title">the heading</param>
/// <param name="Tables">the published results with one's own of the same data set; then one table for each other data set</param>
/// <param name="Records">one's own results in them</param>
/// <param name="Note">what to do where there are none; empty otherwise</param>
public sealed record ResultSection(
    string Title, IReadOnlyList<ReportTable> Tables, IReadOnlyList<EvaluationRecord> Records, string Note = "");

/// <summary>
/// One's own results beside the published ones. Only numbers of one data set stand in one table: those of others, whatever their
/// protocol, are not comparable.
/// </summary>
public static class ResultTables
{
    private const string None = "–";

    /// <summary>The protocol of networks that were trained with the labels of the data that they are measured on.</summary>
    private const string FromScratch = "supervised";

    /// <summary>The sections in the order of the paper, then those of protocols that it does not have.</summary>
    public static IReadOnlyList<ResultSection> Of(IReadOnlyList<EvaluationRecord> records)
    {
        ArgumentNullException.ThrowIfNull(records);
        var known = PublishedResults.Sections.Select(section =>
        {
            EvaluationRecord[] own = [.. records.Where(record => section.Columns.Any(column => column.Protocols.Contains(record.Protocol)))];
            EvaluationRecord[] comparable = [.. own.Where(record => section.Columns.Any(column => IsOf(record, column)))];
            return new ResultSection(
                section.Title,
                [WithPublished(section, comparable), .. ByData(own.Except(comparable), section)],
                own,
                own.Length > 0 ? "" : $"Not measured yet: {section.Command}.");
        });
        var others = records.Where(record => !PublishedResults.Sections.Any(s => s.Columns.Any(c => c.Protocols.Contains(record.Protocol))))
            .GroupBy(record => record.Protocol).Select(group => new ResultSection(group.Key, ByData(group, null), [.. group]));
        return [.. known, .. others];
    }

    private static bool IsOf(EvaluationRecord record, ResultColumn column) =>
        column.Protocols.Contains(record.Protocol) && column.Data.Any(name => Plain(name) == Plain(record.Data));

    /// <summary>Published rows, and a row for each network of one's own.</summary>
    private static ReportTable WithPublished(PublishedSection section, IReadOnlyList<EvaluationRecord> own)
    {
        var published = section.Rows.Select(row => new ReportRow(
            [row.Method, row.Network, row.Setting, .. row.Values.Select(Text), row.Source]));
        var mine = own.GroupBy(record => (Name: NameOf(record), record.Weights, record.Network)).Select(network =>
        {
            Score?[] found =
            [
                .. section.Columns.Select(column => network.Select(record => ScoreOf(record, column)).FirstOrDefault(s => s is not null)),
            ];
            return new ReportRow(
                [
                    network.Key.Name, network.Key.Network,
                    Settings(network, section, record => record.Scores.Where(score => !found.Contains(score))),
                    .. found.Select(Text), "measured here",
                ],
                Marked: true);
        });
        return new ReportTable(
            section.Data,
            ["Method", "Network", "Setting", .. section.Columns.Select(column => column.Heading), "Source"],
            [.. published, .. mine]);
    }

    private static Score? ScoreOf(EvaluationRecord record, ResultColumn column) =>
        !IsOf(record, column) ? null
        : column.Score.Length == 0 ? record.Scores[0]
        : record.Scores.FirstOrDefault(score => column.Score.Any(name => Plain(name) == Plain(score.Name)));

    /// <summary>A table for each data set, with a column for each score. Sets of one name that lie apart are told apart by their paths.</summary>
    private static IReadOnlyList<ReportTable> ByData(IEnumerable<EvaluationRecord> records, PublishedSection? section) =>
    [
        .. records.GroupBy(record => (record.Data, record.DataPath)).Select(data =>
        {
            bool isAlone = records.All(record => record.Data != data.Key.Data || record.DataPath == data.Key.DataPath);
            string title = isAlone ? data.Key.Data : $"{data.Key.Data} ({data.Key.DataPath})";
            bool several = data.Select(record => record.Protocol).Distinct().Count() > 1;
            string[] names = [.. data.SelectMany(record => record.Scores.Select(score => HeadingOf(record, score))).Distinct()];
            var rows = data.GroupBy(record => (Name: NameOf(record), record.Weights, record.Network)).Select(network => new ReportRow(
                [
                    network.Key.Name, network.Key.Network, Settings(network, section, _ => []),
                    .. names.Select(name => Text(network.SelectMany(record => record.Scores, (record, score) => (Record: record, Score: score))
                        .FirstOrDefault(pair => HeadingOf(pair.Record, pair.Score) == name).Score)),
                ],
                Marked: true));
            return new ReportTable(
                title + (section is null ? "" : "; not comparable with the published results, which are of other data"),
                ["Weights", "Network", "Setting", .. names],
                [.. rows]);

            string HeadingOf(EvaluationRecord record, Score score)
            {
                string unit = score.Unit is "" or "%" ? "" : $" ({score.Unit})";
                return (several ? Prefixed(DistinctName(record, data, section), score.Name) : score.Name) + unit;
            }
        }),
    ];

    /// <summary>What belongs to the numbers of a row, and the scores that have no column.</summary>
    private static string Settings(
        IEnumerable<EvaluationRecord> records, PublishedSection? section, Func<EvaluationRecord, IEnumerable<Score>> without)
    {
        EvaluationRecord[] all = [.. records];
        string[] settings = [.. all.Select(record => record.Setting).Where(setting => setting.Length > 0).Distinct()];
        var parts = settings.Length == 1
            ? settings
            : all.Where(record => record.Setting.Length > 0).Select(record => $"{Of(record)}: {record.Setting}");
        string[] more = [.. all.SelectMany(record => without(record).Select(score => $"{Called(record, score)} {Text(score)}"))];
        return string.Join("; ", more.Length > 0 ? parts.Append(string.Join(", ", more)) : parts);

        string Of(EvaluationRecord record) => DistinctName(record, all, section);

        string Called(EvaluationRecord record, Score score) => all.Length > 1 ? Prefixed(Of(record), score.Name) : score.Name;
    }

    /// <summary>What tells a record from those of the same network: its protocol, as the paper's column calls it, or its data.</summary>
    private static string DistinctName(EvaluationRecord record, IEnumerable<EvaluationRecord> among, PublishedSection? section) =>
        among.Any(other => other.Protocol != record.Protocol)
            ? section?.Columns.FirstOrDefault(column => column.Protocols.Contains(record.Protocol))?.Heading ?? record.Protocol
            : record.Data;

    private static string Prefixed(string prefix, string name) =>
        name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) ? name : $"{prefix} {name}";

    /// <summary>What was measured: the weights' file, of which a training from scratch took the shape alone.</summary>
    private static string NameOf(EvaluationRecord record) => record.Protocol == FromScratch
        ? "from scratch, with labels"
        : Path.GetFileName(Path.TrimEndingDirectorySeparator(record.Weights));

    private static string Text(double? percent) => percent?.ToString("0.0", CultureInfo.InvariantCulture) ?? None;

    /// <summary>As in the papers, which give percentages to a tenth.</summary>
    private static string Text(Score? score) =>
        score is null or { Unit: "%" } ? Text(score?.Value) : score.Value.ToString("0.####", CultureInfo.InvariantCulture);

    private static string Plain(string name) => string.Concat(name.Where(char.IsLetterOrDigit)).ToUpperInvariant();
}
