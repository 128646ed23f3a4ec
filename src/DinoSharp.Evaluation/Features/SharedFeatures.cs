namespace DinoSharp.Evaluation.Features;

/// <summary>Features of a set of images, of which each of several processes has a share, with what belongs to each row, which all have.</summary>
/// <param name="Names">the images' paths</param>
/// <param name="Labels">the images' labels, -1 where there is none; empty if the set has no labels</param>
/// <param name="Classes">the name of each label; empty if there are none</param>
/// <param name="Rows">a row an image</param>
public sealed record SharedFeatures(IReadOnlyList<string> Names, long[] Labels, IReadOnlyList<string> Classes, SharedRows Rows)
{
    /// <summary>A table that this process has alone; nothing is copied.</summary>
    public static SharedFeatures Of(FeatureTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        return new SharedFeatures(table.Names, table.Labels, table.Classes, SharedRows.Of(table));
    }

    /// <summary>All of it as one table, on the first rank; null on the others, which have to call this, too.</summary>
    /// <exception cref="EvaluationException">The features are more than one table holds.</exception>
    public FeatureTable? OnFirst() => Rows.OnFirst() is { } values ? new FeatureTable(Names, Labels, Classes, values, Rows.Dim) : null;
}
