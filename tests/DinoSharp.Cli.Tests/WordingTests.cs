namespace DinoSharp.Cli.Tests;

public sealed class WordingTests
{
    [Theory]
    [InlineData(-1.0, "[............]   0 %")]
    [InlineData(0.5, "[======......]  50 %")]
    [InlineData(7.0, "[============] 100 %")]
    [InlineData(double.PositiveInfinity, "[============] 100 %")]
    public void A_bar_is_never_longer_than_the_whole(double share, string bar) => Assert.Equal(bar, Wording.Bar(share));
}
