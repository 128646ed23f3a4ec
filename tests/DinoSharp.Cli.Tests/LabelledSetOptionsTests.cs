using System.CommandLine;
using DinoSharp.Cli.Commands;

namespace DinoSharp.Cli.Tests;

public sealed class LabelledSetOptionsTests
{
    [Theory]
    [InlineData("birds", "--data", "/sets/birds/")]
    [InlineData("birds", "--train", "/sets/birds/train", "--test", "/sets/birds/test/")]
    [InlineData("flowers.zip", "--train", "/sets/birds/train", "--test", "/sets/flowers.zip")]
    [InlineData("test", "--data", "/test")]
    public void Data_are_called_by_their_folder_and_a_split_by_the_folder_around_it(string name, params string[] words)
    {
        LabelledSetOptions sets = new();
        Command verb = new("verb");
        foreach (var option in sets.All)
        {
            verb.Options.Add(option);
        }

        Assert.Equal(name, sets.NameOf(verb.Parse(words)));
    }
}
