namespace DinoSharp.Cli.Tests;

/// <summary>What holds for every verb.</summary>
public sealed class ApplicationTests
{
    [Fact]
    public void An_unknown_verb_is_a_wrong_request() => Dino.Run("fly").Failed(2, "fly");

    [Fact]
    public void An_unknown_option_is_a_wrong_request() => Dino.Run("train", "--wings", "2").Failed(2, "--wings", "dino train --help");
}
