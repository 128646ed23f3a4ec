using System.Globalization;

namespace DinoSharp.Cli;

/// <summary>How far a set of images is worked through, at which rate, and how long it will take.</summary>
/// <param name="terminal">where to show it</param>
/// <param name="what">which images, e.g. "train"</param>
/// <param name="total">how many</param>
/// <param name="before">how many were done earlier, which says nothing of the rate</param>
internal sealed class ImageProgress(Terminal terminal, string what, int total, int before = 0) : IDisposable
{
    private readonly StatusLine _line = new(terminal);
    private readonly long _start = TimeProvider.System.GetTimestamp();
    private int _done;

    /// <summary>Tells how many images are done.</summary>
    public void Show(int done)
    {
        _done = done;
        _line.Show(() =>
        {
            double rate = Rate(), share = (double)done / total;
            string left = rate > 0 ? $"  {Wording.Duration(TimeSpan.FromSeconds((total - done) / rate))} left" : "";
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{what}  {Wording.Bar(share)}  {Wording.Number(done)}/{Wording.Number(total)} images  {rate:F1} im/s{left}");
        });
    }

    /// <summary>Says how many images were done, and at which rate.</summary>
    public void Finish()
    {
        _line.Show(
            () => string.Create(CultureInfo.InvariantCulture, $"{what}  {Wording.Number(_done)} images  {Rate():F1} im/s"), inLog: true);
        _line.Dispose();
    }

    public void Dispose() => _line.Dispose();

    private double Rate() => Math.Max(0, _done - before) / Math.Max(TimeProvider.System.GetElapsedTime(_start).TotalSeconds, 1e-9);
}
