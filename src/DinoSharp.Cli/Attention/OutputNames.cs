namespace DinoSharp.Cli.Attention;

/// <summary>
/// Names of output files after those of the images. Whatever a list or an archive calls an image, its output stays in the output folder;
/// and no two images share a name.
/// </summary>
internal sealed class OutputNames
{
    /// <summary>So that a picture in the output folder is never replaced by its own maps.</summary>
    private const string Suffix = "-attention";

    private readonly HashSet<string> _taken = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>A relative path without ending, other for each call.</summary>
    /// <param name="imageName">an image's name in its source, with or without folders</param>
    public string Next(string imageName)
    {
        string[] parts = [.. imageName.Split('/', '\\').Select(Clean).Where(part => part.Trim('.').Length > 0)];
        string whole = parts.Length > 0 ? Path.Combine(parts) : "image";
        string stem = Path.ChangeExtension(whole, null);
        string name = stem.Length > 0 ? stem : whole;
        string free = name;
        for (int i = 2; !_taken.Add(free); i++)
        {
            free = $"{name}-{i}";
        }

        return $"{free}{Suffix}";
    }

    private static string Clean(string part) => string.Join('-', part.Split(Path.GetInvalidFileNameChars().Append(':').ToArray()));
}
