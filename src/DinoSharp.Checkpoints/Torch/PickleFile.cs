namespace DinoSharp.Checkpoints;

/// <summary>
/// Files of Python's <c>pickle.dump</c>, of any protocol, that hold data: dicts, lists, numbers, texts, NumPy arrays. Nothing in a file is
/// executed; a name that is not known as data ends the reading.
/// </summary>
/// <remarks>
/// Values come as OrderedDictionary (dict), List (list), object[] (tuple), long or BigInteger, double, bool, string, byte[], null and
/// <see cref="PickledArray"/>.
/// </remarks>
public static class PickleFile
{
    private const long LongestFile = 1L << 30;

    /// <summary>The object a file holds.</summary>
    /// <exception cref="CheckpointException">One line: the file is missing, damaged, or holds more than data.</exception>
    public static object? Read(string path)
    {
        try
        {
            long length = new FileInfo(path).Length;
            byte[] bytes = length <= LongestFile
                ? File.ReadAllBytes(path)
                : throw new InvalidDataException($"{length} bytes are more than a list of images takes");
            return new PickleReader(
                bytes,
                new PickleGlobals(copyBudget: 4L * bytes.Length, arrays: true),
                _ => throw new InvalidDataException("it refers to memory outside of it")).Read();
        }
        catch (Exception cause) when (cause is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CheckpointException($"{path}: no such file", cause);
        }
        catch (Exception cause) when (cause is InvalidDataException or ArgumentException or OverflowException)
        {
            throw new CheckpointException($"{path}: not a readable pickle: {cause.Message.TrimEnd('.')}", cause);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{path}: cannot be read ({cause.Message.TrimEnd('.')})", cause);
        }
    }
}
