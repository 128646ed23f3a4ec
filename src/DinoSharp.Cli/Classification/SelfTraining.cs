using System.Globalization;
using CsvHelper;
using DinoSharp.Checkpoints;
using DinoSharp.Cli.Training;
using DinoSharp.Data;
using DinoSharp.Evaluation.Classification;
using DinoSharp.Methods.NoisyStudent;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Weights;

namespace DinoSharp.Cli.Classification;

/// <summary>
/// Self-training with noisy students (arXiv 1911.04252): a teacher learns from labelled images and labels others, a student learns from
/// both with noise, and is the next teacher. Each training is a run in a folder of its own; what is finished is not done again.
/// </summary>
/// <param name="sets">stay the caller's</param>
/// <param name="unlabelled">stays the caller's</param>
/// <param name="view">of images that are tested or labelled</param>
/// <param name="loading">how images are loaded</param>
/// <param name="settings">what is computed</param>
/// <param name="request">of the whole; its folder holds those of the runs</param>
/// <param name="terminal">where progress is told</param>
internal sealed class SelfTraining(
    HeldOut sets, IImageSource unlabelled, EvaluationRecipe view, LoaderOptions loading, SelfTrainSettings settings, RunRequest request,
    Terminal terminal)
{
    /// <summary>Trains teacher and students as far as it is let.</summary>
    /// <param name="teacher">where the teacher starts; not changed</param>
    /// <param name="student">where each student starts; not changed</param>
    /// <param name="stop">asked for by a signal</param>
    /// <returns>a run each, the teacher's first; fewer than all if it was asked to stop</returns>
    public IReadOnlyList<SelfTrainedRun> Run(Backbone teacher, Backbone student, CancellationToken stop)
    {
        List<SelfTrainedRun> runs = [];
        string last = Path.Combine(request.Out, "teacher");
        if (!Train(last, settings.Teacher, teacher, images: null, pseudoLabels: 0))
        {
            return runs;
        }

        for (int iteration = 1; iteration <= settings.Iterations; iteration++)
        {
            if (Predictions(last, stop) is not { } predictions)
            {
                return runs;
            }

            var chosen = Chosen(last, predictions);
            WriteChosen(Path.Combine(request.Out, $"pseudo-labels-{iteration}.csv"), chosen);
            last = Path.Combine(request.Out, $"student-{iteration}");
            using PseudoLabelledImages images = new(sets.Train, unlabelled, chosen, settings.HardLabels);
            if (!Train(last, settings.Student, student, images, chosen.Count))
            {
                return runs;
            }
        }

        return runs;

        bool Train(string folder, FinetuneSettings training, Backbone start, PseudoLabelledImages? images, int pseudoLabels)
        {
            var finetuning = new Finetuning(sets, view, loading, training, request with { Out = folder }, terminal, images);
            var (_, score) = finetuning.Run(start, stop);
            if (score is null)
            {
                return false;
            }

            runs.Add(new SelfTrainedRun(folder, score, pseudoLabels));
            terminal.Line(string.Create(CultureInfo.InvariantCulture, $"{folder}: top-1 {score.Top1:F2} %"));
            return true;
        }
    }

    /// <summary>
    /// What a run's network says of each image, in a file beside its checkpoint that is named by the images, so that it is made once.
    /// </summary>
    /// <returns>null if it was asked to stop</returns>
    private string? Predictions(string run, CancellationToken stop)
    {
        string images = RunIdentity.Of(unlabelled);
        string path = Path.Combine(run, $"unlabelled-{images[(images.LastIndexOf(' ') + 1)..]}.csv");
        if (File.Exists(path))
        {
            return path;
        }

        using var classifier = ImageClassifier.Open(WeightsFile.Open(run)).To(request.Device);
        var loader = new EvaluationLoader(unlabelled, view, loading);
        var normalization = PixelNormalization.For(loading.Decoding.Channels);
        using var progress = new ImageProgress(terminal, "label", unlabelled.Count);
        try
        {
            PredictionCsv.Write(
                path,
                loader,
                classifier.Classes,
                matching: null,
                pixels =>
                {
                    stop.ThrowIfCancellationRequested();
                    using var normalized = normalization.Apply(pixels, request.Device); // [B, C, H, W]
                    return classifier.Logits(normalized);
                },
                progress.Show);
        }
        catch (OperationCanceledException)
        {
            return null;
        }

        progress.Finish();
        Wording.TellFaults(terminal, loader.Faults.Faults, unlabelled.Count, "were left out");
        return path;
    }

    /// <summary>The pseudo-labels that a student learns from.</summary>
    /// <exception cref="ImageSourceException">There is none.</exception>
    private IReadOnlyList<PseudoLabel> Chosen(string teacher, string predictions)
    {
        Dictionary<string, int> numbers = [];
        for (int image = 0; image < unlabelled.Count; image++)
        {
            numbers.TryAdd(unlabelled.NameOf(image), image);
        }

        // Only what the teacher is sure of is kept, as there may be many images and classes.
        var sure = PredictionCsv.Read(predictions, sets.Train.Classes)
            .Select(line => new PseudoLabel(numbers[line.Name], line.Probabilities))
            .Where(label => label.Confidence >= settings.Threshold)
            .ToList();
        var chosen = PseudoLabelSelection.Balanced(sure, settings.Threshold, settings.ImagesPerClass);
        if (chosen.Count == 0)
        {
            throw new ImageSourceException(unlabelled.Path, string.Create(
                CultureInfo.InvariantCulture,
                $"of none of its {unlabelled.Count} images {teacher} is sure by {settings.Threshold}: " +
                $"lower --threshold, or train the teacher longer"));
        }

        int classes = chosen.DistinctBy(label => label.Class).Count();
        terminal.Line(string.Create(
            CultureInfo.InvariantCulture,
            $"{teacher} is sure of {Wording.Number(sure.Count)} of {Wording.Number(unlabelled.Count)} images, of {classes} of " +
            $"{sets.Train.Classes.Count} classes: {chosen.Count / classes} of each are learnt from"));
        return chosen;
    }

    /// <summary>The chosen images with their class, how sure the teacher is, and how often each is seen in an epoch.</summary>
    private void WriteChosen(string path, IReadOnlyList<PseudoLabel> chosen) => AtomicFile.Write(path, stream =>
    {
        using StreamWriter text = new(stream, leaveOpen: true);
        using CsvWriter csv = new(text, CultureInfo.InvariantCulture, leaveOpen: true);
        foreach (string column in (string[])["path", "label", "confidence", "copies"])
        {
            csv.WriteField(column);
        }

        csv.NextRecord();
        foreach (var copies in chosen.GroupBy(label => label.Image))
        {
            var label = copies.First();
            csv.WriteField(unlabelled.NameOf(label.Image));
            csv.WriteField(sets.Train.Classes[label.Class]);
            csv.WriteField(label.Confidence);
            csv.WriteField(copies.Count());
            csv.NextRecord();
        }
    });
}

/// <summary>A finished training of a teacher or a student.</summary>
/// <param name="Folder">its run folder</param>
/// <param name="Score">on the test images</param>
/// <param name="PseudoLabels">images it saw an epoch beside the labelled ones</param>
internal sealed record SelfTrainedRun(string Folder, ClassificationScore Score, int PseudoLabels);
