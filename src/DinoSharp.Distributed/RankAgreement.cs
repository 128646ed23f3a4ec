using System.Text;
using System.Text.Json.Nodes;

namespace DinoSharp.Distributed;

/// <summary>What all ranks have to see alike.</summary>
public static class RankAgreement
{
    private const int ShownDifferences = 3;
    private const int ShownLetters = 60;

    /// <summary>Compares what the ranks are to do: call it on all of them, before the work.</summary>
    /// <param name="group">whose ranks</param>
    /// <param name="identity">flat names to values</param>
    /// <exception cref="ProcessGroupUnavailableException">On every rank the same line: which rank differs from the first in what.</exception>
    public static void Require(ProcessGroup group, JsonObject identity)
    {
        var all = group.GatherMessages(Encoding.UTF8.GetBytes(identity.ToJsonString())).Select(text => JsonNode.Parse(text)!.AsObject()).ToList();
        var differing = Enumerable.Range(1, all.Count - 1).Where(rank => Differences(all[0], all[rank]).Any()).ToList();
        if (differing.Count > 0)
        {
            int rank = differing[0];
            var differences = Differences(all[0], all[rank]).ToList();
            string more = differences.Count > ShownDifferences ? $", and {differences.Count - ShownDifferences} more" : "";
            string others = differing.Count > 1 ? $"; so were {differing.Count - 1} others" : "";
            throw new ProcessGroupUnavailableException(
                $"{group.Describe(rank)} was started otherwise than rank 0: {string.Join(", ", differences.Take(ShownDifferences))}{more}{others}");
        }
    }

    private static IEnumerable<string> Differences(JsonObject first, JsonObject other) =>
        from name in first.Select(entry => entry.Key).Union(other.Select(entry => entry.Key))
        let expected = Shown(first, name)
        let found = Shown(other, name)
        where expected != found
        select $"{name} {Short(found)} instead of {Short(expected)}";

    private static string Shown(JsonObject identity, string name) =>
        identity.TryGetPropertyValue(name, out var value) ? value?.ToJsonString() ?? "null" : "nothing";

    private static string Short(string value) => value.Length <= ShownLetters ? value : value[..ShownLetters] + "…";
}
