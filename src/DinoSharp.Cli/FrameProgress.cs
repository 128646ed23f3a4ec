namespace DinoSharp.Cli;

/// <summary>How far a video is worked through, where a part of it may be done already.</summary>
internal static class FrameProgress
{
    /// <summary>Shows the progress of work that tells the frames done, and how many of them it has computed itself.</summary>
    /// <param name="terminal">where to show it</param>
    /// <param name="what">which frames</param>
    /// <param name="frames">how many there are, or about as many</param>
    /// <param name="work">given what it has to call</param>
    public static T Around<T>(Terminal terminal, string what, int frames, Func<Action<int, int>, T> work)
    {
        ImageProgress? progress = null;
        try
        {
            T result = work((done, computed) =>
            {
                progress ??= new ImageProgress(terminal, what, Math.Max(1, frames - (done - computed)));
                progress.Show(computed);
            });
            progress?.Finish();
            return result;
        }
        finally
        {
            progress?.Dispose();
        }
    }
}
