using DinoSharp.Checkpoints;
using DinoSharp.Data;
using DinoSharp.Evaluation.Features;

namespace DinoSharp.Evaluation.Retrieval;

/// <summary>The features of a gallery's images in a file, and what they were made with.</summary>
/// <param name="Table">a row an image, by name in the gallery</param>
/// <param name="Gallery">where the images are</param>
/// <param name="Settings">what the features depend on: see <see cref="WholeImageFeatures.SettingsWith"/></param>
public sealed record GalleryIndex(FeatureTable Table, string Gallery, string Settings)
{
    private const string JournalEnding = ".new";

    /// <summary>Reads an index.</summary>
    /// <exception cref="CheckpointException">The file is missing or damaged.</exception>
    /// <exception cref="EvaluationException">It is no index of a gallery.</exception>
    public static GalleryIndex Read(string path)
    {
        var table = FeatureSafetensors.Read(path, out var texts);
        return texts.TryGetValue("gallery", out string? gallery) && texts.TryGetValue("settings", out string? settings)
            ? new GalleryIndex(table, gallery, settings)
            : throw new EvaluationException($"{path}: holds features but does not say of which gallery; index it with dino retrieval --gallery");
    }

    /// <summary>Makes sure that features of this index and others may be compared.</summary>
    /// <exception cref="EvaluationException">They are of other weights or settings.</exception>
    public void RequireSettings(string path, string settings)
    {
        if (Settings != settings)
        {
            throw new EvaluationException($"{path}: was made with other weights or settings ({Settings}; now {settings}); use those, or another index");
        }
    }

    /// <summary>
    /// Brings an index up to date with its gallery: images that are new are added, those that are gone are taken out, and the others kept as
    /// they are. Work that is cut off goes on from <c>FILE.new</c>. A file that was replaced under its old name is not noticed.
    /// </summary>
    /// <param name="path">the index; made if it is not there</param>
    /// <param name="features">how features are made</param>
    /// <param name="loader">the gallery's images; what could not be used is in its faults</param>
    /// <param name="progress">told the number of images done</param>
    /// <exception cref="EvaluationException">The index is of other weights or settings, or a feature is not finite.</exception>
    /// <exception cref="ImageSourceException">More images are unusable than allowed, or all of them.</exception>
    /// <exception cref="CheckpointException">The index is damaged, or cannot be written.</exception>
    public static (GalleryIndex Index, GalleryChange Change) Update(
        string path, WholeImageFeatures features, WholeImageLoader loader, Action<int>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(loader);
        string settings = features.SettingsWith(loader.Decoding);
        var before = File.Exists(path) ? Read(path) : null;
        before?.RequireSettings(path, settings);
        FeatureTable.RequireRoom(path, [.. Enumerable.Range(0, loader.Source.Count).Select(loader.Source.NameOf)], [], features.Dim);
        FeatureTable added;
        int goneOnWith;
        using (FeatureJournal journal = new(path + JournalEnding, features.Dim, settings))
        {
            goneOnWith = journal.Names.Count;
            features.Extend(loader, journal, before?.Table.Names ?? [], progress);
            added = journal.Table();
        }

        var table = InOrderOf(loader.Source, before?.Table, added);
        GalleryIndex index = new(table, Path.GetFullPath(loader.Source.Path), settings);
        GalleryChange change = new(
            Kept: before is null ? 0 : before.Table.Names.Intersect(table.Names).Count(),
            Added: added.Names.Intersect(table.Names).Count(),
            Removed: before is null ? 0 : before.Table.Names.Except(table.Names).Count(),
            goneOnWith);
        FeatureSafetensors.Write(table, path, new Dictionary<string, string> { ["gallery"] = index.Gallery, ["settings"] = index.Settings });
        File.Delete(path + JournalEnding);
        return (index, change);
    }

    private static FeatureTable InOrderOf(IImageSource source, FeatureTable? before, FeatureTable added)
    {
        Dictionary<string, (FeatureTable Table, int Row)> rows = [];
        foreach (var table in new[] { before, added }.OfType<FeatureTable>())
        {
            for (int row = 0; row < table.Rows; row++)
            {
                rows[table.Names[row]] = (table, row);
            }
        }

        string[] names = [.. Enumerable.Range(0, source.Count).Select(source.NameOf).Where(rows.ContainsKey)];
        if (names.Length == 0)
        {
            throw new ImageSourceException(source.Path, "none of its images can be used");
        }

        float[] values = new float[checked(names.Length * added.Dim)];
        for (int i = 0; i < names.Length; i++)
        {
            var (table, row) = rows[names[i]];
            table.Row(row).CopyTo(values.AsSpan(i * added.Dim));
        }

        return new FeatureTable(names, [], [], values, added.Dim);
    }
}

/// <summary>What became of an index.</summary>
/// <param name="Kept">images that were in it already</param>
/// <param name="Added">images that are new in it</param>
/// <param name="Removed">images that are no longer in the gallery</param>
/// <param name="GoneOnWith">of the added images those that earlier work, which was cut off, had done</param>
public sealed record GalleryChange(int Kept, int Added, int Removed, int GoneOnWith);
