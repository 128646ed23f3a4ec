using System.Globalization;
using CsvHelper;
using DinoSharp.Checkpoints;

namespace DinoSharp.Evaluation.Neighbors;

/// <summary>Neighbours as comma-separated text in the invariant culture: query, rank from 1, path, similarity.</summary>
public static class NeighborCsv
{
    private static readonly string[] Columns = ["query", "rank", "path", "similarity"];

    /// <summary>Writes the file whole or not at all, as the neighbours come.</summary>
    /// <param name="path">the file</param>
    /// <param name="found">queries and their neighbours, nearest first</param>
    /// <param name="nameOf">the path of an image that was found</param>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    public static void Write(string path, IEnumerable<(string Query, Neighbor[] Neighbors)> found, Func<int, string> nameOf) =>
        AtomicFile.Write(path, stream =>
        {
            using StreamWriter text = new(stream, leaveOpen: true);
            using CsvWriter csv = new(text, CultureInfo.InvariantCulture, leaveOpen: true);
            foreach (string column in Columns)
            {
                csv.WriteField(column);
            }

            csv.NextRecord();
            foreach (var (query, neighbors) in found)
            {
                for (int i = 0; i < neighbors.Length; i++)
                {
                    csv.WriteField(query);
                    csv.WriteField(i + 1);
                    csv.WriteField(nameOf(neighbors[i].Index));
                    csv.WriteField(neighbors[i].Similarity);
                    csv.NextRecord();
                }
            }
        });
}
