using System.CommandLine;
using DinoSharp.Cli.Retrieval;
using DinoSharp.Data;
using DinoSharp.Evaluation;
using DinoSharp.Evaluation.Retrieval;
using DinoSharp.Models.Backbones;

namespace DinoSharp.Cli.Commands;

/// <summary>
/// dino retrieval: frozen features on the revisited benchmarks of image retrieval (arXiv 2104.14294, section 4.2.1), or on a gallery of
/// one's own.
/// </summary>
internal sealed class RetrievalCommand
{
    private const string Oxford = "roxford5k", Paris = "rparis6k";

    private readonly Option<string?> _data = OptionFactory.Text(
        "--data", "for the benchmark: the folder with DATASET/gnd_DATASET.pkl and DATASET/jpg/", "--data-path");
    private readonly Option<string> _dataset = OptionFactory.Choice(
        "--dataset", "which benchmark: revisited Oxford or Paris", Oxford, (Oxford, Oxford), (Paris, Paris));
    private readonly Option<bool> _cropQueries = OptionFactory.Flag(
        "--crop-queries", "cuts queries out of their images, as the benchmark's authors do; DINO's published numbers are of whole ones");
    private readonly Option<string?> _sheet = OptionFactory.Text(
        "--sheet", "an .html for some of the benchmark's queries, with what was found first and whether it is right");
    private readonly Option<string?> _gallery = OptionFactory.Text(
        "--gallery", "for pictures of one's own: what --data of the other verbs can be; the index gets what is new in it");
    private readonly Option<string?> _index = OptionFactory.Text("--index", "the gallery's index, a .safetensors file");
    private readonly Option<string[]> _queries = OptionFactory.Several<string>(
        "--query", "pictures, or folders of them, whose likes are looked for in the index");
    private readonly Option<int> _top = OptionFactory.Value("--top", "how many are looked for", 20);
    private readonly Option<string?> _out = OptionFactory.Text("--out", "folder for neighbours.csv and neighbours.html");
    private readonly Option<int> _imageSize = OptionFactory.Value(
        "--imsize", "what an image's longer side is shrunk to, in pixels", WholeImageFeatures.DefaultLongestSide, "--image-size");
    private readonly Option<bool> _multiScale = OptionFactory.Flag(
        "--multiscale", "takes the mean of the features at three scales: 1, 1/sqrt(2), 1/2");
    private readonly Option<int> _threads = OptionFactory.Value(
        "--threads", "threads that load images", Ranks.Group.Processors, "--num-workers");
    private readonly Option<double> _faultShare = OptionFactory.Value(
        "--fault-share", "part of a gallery's images that may be unusable", 0.05);
    private readonly DecodingOptions _decoding = new();
    private readonly WeightsOptions _weights = new();
    private readonly ResultOptions _results = new();
    private readonly CacheOptions _cache = new();

    public static Command Create()
    {
        var retrieval = new RetrievalCommand();
        var command = new Command("retrieval", "find the images most alike: the revisited Oxford and Paris benchmarks, or a gallery of one's own");
        Option[] own =
        [
            retrieval._data, retrieval._dataset, retrieval._cropQueries, retrieval._sheet, retrieval._gallery, retrieval._index,
            retrieval._queries, retrieval._top, retrieval._out, retrieval._imageSize, retrieval._multiScale, retrieval._threads,
            retrieval._faultShare,
        ];
        foreach (var option in own.Concat(retrieval._weights.All).Concat(retrieval._decoding.All).Concat(retrieval._results.All).Concat(retrieval._cache.All))
        {
            command.Options.Add(option);
        }

        command.SetAction(retrieval.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var terminal = Terminal.Of(parsed);
        string? data = parsed.GetValue(_data), gallery = parsed.GetValue(_gallery), index = parsed.GetValue(_index);
        string[] queries = parsed.GetValue(_queries) ?? [];
        bool own = gallery is not null || index is not null || queries.Length > 0;
        if (own == data is not null)
        {
            throw new RequestException(own
                ? "give either --data for the benchmark, or --gallery, --index and --query for pictures of your own"
                : "--data is missing: name the folder of the benchmark; or give --gallery and --index for pictures of your own");
        }

        var loading = Loading(parsed);
        string weights = _weights.PathOf(parsed);
        if (own)
        {
            parsed.Refuse("is for the benchmark: give it with --data", [_dataset, _cropQueries, _sheet, .. _results.All, .. _cache.All]);
            var request = new GalleryRequest(
                gallery,
                index ?? throw new RequestException("--index is missing: name a .safetensors file for the features of the gallery"),
                queries,
                AtLeastOne(_top, parsed),
                parsed.GetValue(_out)).Validated();
            using var backbone = Backbone(parsed, terminal);
            new GalleryRetrieval(request, Features(parsed, backbone), loading.WithChannels(backbone.InputChannels), terminal).Run();
        }
        else
        {
            parsed.Refuse("is for a gallery of your own: give it with --gallery or --index", [_top, _out, _faultShare]);
            string dataset = parsed.GetValue(_dataset)!;
            using var benchmark = RevisitedBenchmark.Open(data!, dataset, parsed.GetValue(_cropQueries));
            using var backbone = Backbone(parsed, terminal);
            string? cache = _cache.FolderOf(parsed, _results.FolderOf(parsed, weights));
            var run = new BenchmarkRetrieval(
                benchmark, dataset, Features(parsed, backbone), (loading with { FaultShareLimit = 0 }).WithChannels(backbone.InputChannels), terminal)
            {
                CropQueries = parsed.GetValue(_cropQueries),
            };
            if (Ranks.Group.IsFirst)
            {
                run.Run(cache, parsed.GetValue(_sheet), weights, backbone, record => _results.Keep(parsed, record, terminal));
            }
            else
            {
                run.TakePart();
            }
        }

        return 0;
    }

    private Backbone Backbone(ParseResult parsed, Terminal terminal) => _weights.Load(parsed, GlobalOptions.DeviceOf(parsed), terminal);

    private WholeImageFeatures Features(ParseResult parsed, Backbone backbone)
    {
        try
        {
            return new WholeImageFeatures(backbone, parsed.GetValue(_imageSize), parsed.GetValue(_multiScale)) { Group = Ranks.Group };
        }
        catch (EvaluationException error)
        {
            throw new RequestException($"{_imageSize.Name}: {error.Message}");
        }
    }

    private LoaderOptions Loading(ParseResult parsed) => new()
    {
        Decoding = _decoding.Read(parsed, channels: 3),
        Threads = AtLeastOne(_threads, parsed),
        FaultShareLimit = parsed.GetValue(_faultShare) is >= 0 and <= 1 and var share
            ? share
            : throw new RequestException($"{_faultShare.Name} is a part of the images, from 0 to 1"),
    };

    private static int AtLeastOne(Option<int> option, ParseResult parsed) => parsed.GetValue(option) is >= 1 and var value
        ? value
        : throw new RequestException($"{option.Name} is at least 1, not {parsed.GetValue(option)}");
}
