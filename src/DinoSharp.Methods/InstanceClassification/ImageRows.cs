namespace DinoSharp.Methods.InstanceClassification;

/// <summary>A row of numbers for each image.</summary>
internal static class ImageRows
{
    /// <summary>Before anything is computed that could not be saved.</summary>
    /// <param name="images">rows</param>
    /// <param name="dim">float32 numbers of a row</param>
    /// <exception cref="ArgumentException">They are more bytes than a tensor of a checkpoint has.</exception>
    public static void CheckRoom(int images, int dim)
    {
        int most = Array.MaxLength / (dim * sizeof(float));
        if (images > most)
        {
            throw new ArgumentException(
                $"this method holds {dim} numbers for each image, and a checkpoint has room for {most:N0} images, not {images:N0}: " +
                "lower --projection-dim, or choose another --method");
        }
    }
}
