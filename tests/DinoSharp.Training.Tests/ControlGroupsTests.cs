using DinoSharp.Tests;
using DinoSharp.Training.Memory;

namespace DinoSharp.Training.Tests;

/// <summary>A container's limit on memory, laid out as the kernel has it.</summary>
public sealed class ControlGroupsTests : IDisposable
{
    private readonly TestFolder _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void The_tightest_of_the_groups_counts_with_the_pages_of_files_that_it_can_drop()
    {
        Group("", limit: null, used: 5000);
        Group("pods", limit: 4000, used: 3000);
        Group("pods/own", limit: 2500, used: 2000, files: 300);
        Assert.Equal(800, Left("0::/pods/own"));
        Group("pods", limit: 4000, used: 3300);
        Assert.Equal(700, Left("0::/pods/own"));
    }

    [Theory]
    [InlineData("12:memory:/own")] // version 1
    [InlineData("0::/elsewhere")] // a group whose files another namespace has
    public void Where_no_group_can_be_read_there_is_no_limit(string membership)
    {
        Group("own", limit: 100, used: 50);
        Assert.Equal(long.MaxValue, Left(membership));
    }

    [Fact]
    public void A_group_that_is_over_its_limit_has_less_than_nothing_left()
    {
        Group("own", limit: 100, used: 150);
        Assert.Equal(-50, Left("0::/own"));
    }

    private long Left(string membership)
    {
        string file = Path.Combine(_root.Path, "memberships");
        File.WriteAllText(file, membership + "\n");
        return new ControlGroups(_root.Path, file).Left();
    }

    private void Group(string name, long? limit, long used, long files = 0)
    {
        string folder = Directory.CreateDirectory(Path.Combine(_root.Path, name)).FullName;
        File.WriteAllText(Path.Combine(folder, "memory.max"), limit is null ? "max\n" : $"{limit}\n");
        File.WriteAllText(Path.Combine(folder, "memory.current"), $"{used}\n");
        File.WriteAllText(Path.Combine(folder, "memory.stat"), $"anon {used}\ninactive_file {files}\n");
    }
}
