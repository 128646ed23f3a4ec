namespace DinoSharp.Data;

/// <summary>The numbers from <paramref name="Low"/> to <paramref name="High"/>.</summary>
public readonly record struct Interval(double Low, double High)
{
    internal double Draw(ref SampleRandom random) => random.Uniform(Low, High);

    internal void Check(string name, double least, double most)
    {
        if (!(least <= Low && Low <= High && High <= most))
        {
            throw new ArgumentException($"{name} runs from {Low} to {High}; it must rise and lie between {least} and {most}.");
        }
    }
}
