using System.Globalization;

namespace DinoSharp.Evaluation.Report;

/// <summary>A linear axis from one round number to another, with ticks at multiples of 1, 2 or 5 times a power of ten.</summary>
internal sealed class Axis
{
    private readonly double _step;
    private readonly int _decimals;

    /// <param name="values">what the axis has to hold; what is not finite plays no role</param>
    /// <param name="intervals">about how many steps between ticks</param>
    public Axis(IEnumerable<double> values, int intervals)
    {
        double[] finite = [.. values.Where(double.IsFinite)];
        (double least, double most) = finite.Length == 0 ? (0, 1) : (finite.Min(), finite.Max());
        if (most - least <= Math.Abs(most) * 1e-9)
        {
            // A single value stands in the middle.
            double margin = least == 0 ? 1 : Math.Abs(least) * 0.1;
            (least, most) = (least - margin, most + margin);
        }

        double rough = (most - least) / intervals;
        double power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        _step = power * (rough / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 };
        _decimals = Math.Max(0, -(int)Math.Floor(Math.Log10(_step) + 1e-9));
        Start = Math.Floor(least / _step + 1e-9) * _step;
        End = Math.Ceiling(most / _step - 1e-9) * _step;
    }

    public double Start { get; }

    public double End { get; }

    /// <summary>Where the ticks are, and what stands at them.</summary>
    public IEnumerable<(double Value, string Label)> Ticks()
    {
        int count = (int)Math.Round((End - Start) / _step);
        for (int i = 0; i <= count; i++)
        {
            double value = Start + i * _step;
            yield return (value, LabelOf(value));
        }
    }

    /// <summary>How far along the axis a value is, 0 .. 1.</summary>
    public double Share(double value) => (value - Start) / (End - Start);

    private string LabelOf(double value)
    {
        bool plain = _decimals <= 6 && Math.Max(Math.Abs(Start), Math.Abs(End)) < 1e7;
        double rounded = plain ? Math.Round(value, _decimals) + 0.0 : value; // + 0.0: no "-0"
        return rounded.ToString(plain ? "F" + _decimals.ToString(CultureInfo.InvariantCulture) : "0.##e+0", CultureInfo.InvariantCulture);
    }
}
