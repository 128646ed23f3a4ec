using System.Reflection;
using System.Text.RegularExpressions;
using DinoSharp.Methods.Supervised;

namespace DinoSharp.Methods.Tests;

/// <summary>What holds for each method of the catalogue.</summary>
public sealed partial class CatalogueTests
{
    /// <summary>What the command line has for every method.</summary>
    private static readonly string[] Taken =
    [
        "data", "out", "method", "arch", "epochs", "batch-size", "lr", "min-lr", "warmup-epochs", "weight-decay", "weight-decay-end", "clip-grad",
        "optimizer", "seed",
    ];

    public static TheoryData<string> Names => [.. MethodCatalogue.All.Select(m => m.Name)];

    [Fact]
    public void Names_are_distinct_and_found()
    {
        Assert.Equal(MethodCatalogue.All.Count, MethodCatalogue.All.Select(m => m.Name).Distinct().Count());
        Assert.All(MethodCatalogue.All, m => Assert.Same(m, MethodCatalogue.Named(m.Name)));
        Assert.Contains("byol", Assert.Throws<ArgumentException>(() => MethodCatalogue.Named("nothing")).Message, StringComparison.Ordinal);
    }

    /// <summary>Published settings make a training, and so do those fitted to large and small ones, with a reason for what differs.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void Settings_are_valid_as_published_and_fitted(string name)
    {
        var definition = MethodCatalogue.Named(name);
        foreach (bool transformer in (bool[])[false, true])
        {
            var published = definition.Published(transformer);
            Check(published);
            foreach (var (images, side, batch, steps) in ((int, int, int, long)[])[(1_281_167, 375, 4096, 300_000), (50_000, 32, 256, 4000), (600, 64, 32, 180)])
            {
                var fitting = new Fitting(new(images, side, batch, steps, transformer));
                var fitted = definition.Fitted(published, fitting);
                Check(fitted);
                Assert.All(fitting.Reasons, reason => Assert.Matches("^--[a-z-]+ .+ in place of .+: .+", reason));
                Assert.True(fitted.Method.Equals(published.Method) || fitting.Reasons.Count > 0, "a setting differs without a reason");
            }
        }

        void Check(MethodSettings settings)
        {
            if (definition.NeedsTeacher)
            {
                Assert.Throws<ArgumentException>(settings.Method.Validate); // no published setting names the teacher's file
            }
            else
            {
                settings.Method.Validate();
            }

            settings.Training.Validated();
            settings.Views.Validate();
            var recipe = settings.Method.Recipe(settings.Views);
            int repeats = (settings.Method as SupervisedOptions)?.Repeats ?? 1;
            int views = repeats * (settings.Views.GlobalCount + settings.Views.LocalCount);
            Assert.InRange(recipe.ViewCount, views, views + 1); // a teacher may have a view of its own
        }
    }

    /// <summary>Each setting can be an option: a type that the command line reads, a name of its own, and a line of help.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void Settings_are_options(string name)
    {
        var properties = MethodCatalogue.Named(name).Published(false).Method.GetType().GetProperties();
        foreach (var property in properties.Where(p => p.GetCustomAttribute<SettingAttribute>() is not null))
        {
            string option = Capital().Replace(property.Name, "-$0").ToLowerInvariant();
            Assert.DoesNotContain(option, Taken);
            Assert.DoesNotContain("crops", option, StringComparison.Ordinal);
            Assert.True(property.PropertyType.IsEnum || property.PropertyType == typeof(int) || property.PropertyType == typeof(double)
                || property.PropertyType == typeof(bool) || property.PropertyType == typeof(string), $"--{option} is a {property.PropertyType}");
            Assert.False(string.IsNullOrWhiteSpace(property.GetCustomAttribute<SettingAttribute>()!.Description));
        }
    }

    [GeneratedRegex("(?<!^)[A-Z]")]
    private static partial Regex Capital();
}
