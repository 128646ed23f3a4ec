using System.Text.Json.Nodes;
using DinoSharp.Cli.Commands;
using DinoSharp.Cli.Training;
using DinoSharp.Data;
using DinoSharp.Imaging;
using DinoSharp.Methods.Dino;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

public sealed class DataCommandTests
{
    [Fact]
    public void It_tells_number_sizes_classes_and_what_is_wrong_with_the_images()
    {
        using TestFolder folder = new();
        folder.WriteClass("pile/blue", Pictures.Blue, 6);
        folder.WriteClass("pile/red", Pictures.Red, 5);
        byte[] photo = Scene();
        folder.Write("pile/red/photo.png", photo);
        folder.Write("pile/blue/copy.png", photo);
        folder.Write("pile/blue/smaller.png", Smaller(photo));
        string[] damaged = folder.WriteDamaged("pile/red");
        string pile = Path.Combine(folder.Path, "pile");

        var told = Dino.Run("data", pile).Succeeded();
        Assert.Contains("19 in", told.Output, StringComparison.Ordinal);
        Assert.Contains("2: blue 8, red 11", told.Output, StringComparison.Ordinal);
        Assert.Contains("words.jpg: ", told.Output, StringComparison.Ordinal);
        Assert.Contains("blue/copy.png = red/photo.png", told.Output, StringComparison.Ordinal);
        Assert.Contains("refuse, as 26.3", told.Output, StringComparison.Ordinal);
        Assert.Contains($"dino train --data {pile} --out", told.Output, StringComparison.Ordinal);

        var json = Dino.Run("data", pile, "--json").Succeeded().Json;
        Assert.Equal(damaged.Order(), json["unusable"]!.AsArray().Select(fault => Path.GetFileName((string)fault!["name"]!)).Order());
        Assert.Equal(["blue/copy.png", "red/photo.png"], Names(Assert.Single(json["equal"]!.AsArray())!));
        Assert.Contains(
            json["alike"]!.AsArray(), group => Names(group!) is ["blue/copy.png", "blue/smaller.png", "red/photo.png"]);
        Assert.Equal((8, 11), ((int)json["classes"]!["blue"]!, (int)json["classes"]!["red"]!));

        static string[] Names(JsonNode group) => [.. group.AsArray().Select(name => (string)name!)];
    }

    [Theory]
    [InlineData(371, 1_000_000, 16, 224, 96)]
    [InlineData(160, 50_000, 16, 224, 96)]
    [InlineData(128, 50_000, 16, 128, 64)]
    [InlineData(64, 5_000, 8, 64, 32)]
    [InlineData(32, 60_000, 4, 32, 16)]
    [InlineData(28, 60_000, 4, 28, 12)]
    [InlineData(5, 10, 4, 4, 4)]
    public void A_training_that_names_nothing_fits_the_images(int side, int images, int patch, int global, int local)
    {
        TrainSettings settings = Settings("train --data x --out y", side, images);
        Assert.Equal((patch, global, local), (settings.Shape!.PatchSize, settings.Views.GlobalSize, settings.Views.LocalSize));
        Assert.InRange(settings.Training.BatchSize, 1, Math.Min(global <= 64 ? 128 : 64, images));
        Assert.Equal(side < 160, settings.Reasons.Any(reason => reason.StartsWith($"--global-crops-size {global} in place of 224: ", StringComparison.Ordinal)));

        TrainSettings named = Settings("train --data x --out y --patch-size 2 --global-crops-size 20 --batch-size 3 --momentum-teacher 0.5", side, images);
        Assert.Equal((2, 20, 3), (named.Shape!.PatchSize, named.Views.GlobalSize, named.Training.BatchSize));
        Assert.Equal(0.5, ((DinoOptions)named.Method).TeacherMomentum);
        Assert.DoesNotContain(named.Reasons, reason => reason.Split(' ')[0] is "--patch-size" or "--global-crops-size" or "--momentum-teacher");

    }

    /// <summary>What fits starts from the method's own views: OBoW's are smaller than DINO's, and InfoMin cuts its local crop in nine.</summary>
    [Theory]
    [InlineData("obow", 371, 160, 96)]
    [InlineData("obow", 128, 160, 96)]
    [InlineData("obow", 32, 32, 16)]
    [InlineData("infomin", 371, 224, 192)]
    [InlineData("infomin", 128, 128, 111)]
    [InlineData("infomin", 32, 32, 27)]
    public void Sizes_of_views_follow_the_method(string method, int side, int global, int local)
    {
        var settings = Settings($"train --data x --out y --arch resnet18 --method {method}", side, 50_000);
        Assert.Equal((global, local), (settings.Views.GlobalSize, settings.Views.LocalSize));
        string[] sizes = [.. settings.Reasons.Where(reason => reason.Contains("crops-size", StringComparison.Ordinal))];
        Assert.Equal(side >= 128 && method == "obow" || side > 300 ? 0 : 2, sizes.Length);
    }

    private static TrainSettings Settings(string line, int side, int images)
    {
        string[] words = line.Split(' ');
        TrainCommand train = TrainCommand.Create(words);
        return train.Settings(Application.Parse(Application.Root(train), words), new DataFacts(images, side));
    }

    [Fact]
    public void A_wrong_request_says_what_is_wrong()
    {
        Dino.Run("data", "/nowhere").Failed(1, "/nowhere", "no such file or folder");
        Dino.Run("data").Failed(2, "data");
        using var folder = TestFolder.OfImages(1);
        Dino.Run("data", folder.Path, "--background", "mauve").Failed(2, "--background", "mauve");
        Dino.Run("data", folder.Path, "--channels", "0").Failed(2, "--channels");
    }

    /// <summary>Light and dark places at random, soft as in a photograph.</summary>
    private static byte[] Scene()
    {
        using PixelImage places = ImageDecoder.Decode(TestFolder.Png(3, 7, 6), "places"), scene = new(210, 180);
        Resampler.Resize(places, CropBox.Whole(places), scene, ResampleFilter.Bicubic);
        return PngWriter.Encode(scene);
    }

    private static byte[] Smaller(byte[] picture)
    {
        using PixelImage image = ImageDecoder.Decode(picture, "picture"), small = new(image.Width * 2 / 3, image.Height * 2 / 3);
        Resampler.Resize(image, CropBox.Whole(image), small, ResampleFilter.Bilinear);
        return PngWriter.Encode(small);
    }
}
