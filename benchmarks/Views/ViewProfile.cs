using DinoSharp.Data;
using DinoSharp.Imaging;

namespace DinoSharp.Benchmarks.Views;

/// <summary>The work of <see cref="ViewWork"/> with the clock read between its operations.</summary>
internal sealed class ViewProfile(ViewKind kind, IReadOnlyList<byte[]> images) : IDisposable
{
    private readonly ViewWork _work = new(kind);
    private readonly OperationTimes _times = new();

    /// <summary>Seconds of each operation over all images.</summary>
    public IReadOnlyList<(string Name, double Seconds)> Round()
    {
        _times.Clear();
        for (int i = 0; i < images.Count; i++)
        {
            _times.Start();
            using var image = ImageDecoder.Decode(images[i], "image", ViewWork.Decoding);
            _times.Stop("decoding");
            for (int view = 0; view < kind.ViewCount; view++)
            {
                using var pixels = kind.Crops is { } crops ? MakeCrop(crops, image, i, view) : MakeMiddle(image);
                _times.Start();
                _work.Copy(pixels, view);
                _times.Stop("copying into the batch");
            }

            _times.Start();
            _work.Filled();
            _times.Stop("normalising");
        }

        return [.. _times.Operations];
    }

    public void Dispose() => _work.Dispose();

    private PixelImage MakeMiddle(PixelImage image)
    {
        _times.Start();
        var view = kind.Middle.Make(image);
        _times.Stop("resizing");
        return view;
    }

    private PixelImage MakeCrop(MultiCropRecipe crops, PixelImage image, int index, int number)
    {
        _times.Start();
        SampleRandom random = ViewKind.RandomOf(index, number);
        var parameters = crops.Draw(number, image.Width, image.Height, ref random);
        _times.Stop("drawing numbers");
        PixelImage view = new(crops.SizeOf(number), crops.SizeOf(number));
        Resize(image, parameters.Box, view, parameters.Flip);
        if (parameters.Jitter is { } jitter)
        {
            foreach (var operation in jitter.Order)
            {
                Jitter(view, jitter, operation);
                _times.Stop(operation.ToString().ToLowerInvariant());
            }
        }

        if (parameters.Grayscale)
        {
            PixelOperations.Grayscale(view);
            _times.Stop("grayscale");
        }

        if (parameters.BlurRadius is { } radius)
        {
            GaussianBlur.Apply(view, radius);
            _times.Stop("blur");
        }

        if (parameters.Solarize)
        {
            PixelOperations.Solarize(view);
            _times.Stop("solarize");
        }

        return view;
    }

    /// <summary>The parts of <see cref="Resampler.Resize"/>, one by one.</summary>
    private unsafe void Resize(PixelImage image, CropBox box, PixelImage view, bool flip)
    {
        using ResampleTables tables = ResampleTables.Rent();
        ResampleTable across = tables.Across(box.Width, box.Width, view.Width, ResampleFilter.Bicubic);
        ResampleTable down = tables.Down(box.Height, box.Height, view.Height, ResampleFilter.Bicubic);
        _times.Stop("tables of weights");
        int channels = view.Channels, stride = VerticalPass.StrideFor(view.Width * channels);
        using PooledBytes middle = new(box.Height * stride);
        fixed (byte* from = image.PixelsAndSlack, between = middle.Span, to = view.PixelsAndSlack)
        {
            byte* corner = from + ((long)box.Top * image.Width + box.Left) * channels;
            HorizontalPass pass = new(corner, (long)image.Width * channels, box.Height, between, stride, channels);
            pass.Run(across, 0, view.Width, flip);
            _times.Stop("resizing along rows, and flip");
            VerticalPass.Run(between, stride, to, view.Width * channels, 0, view.Height, down);
            _times.Stop("resizing along columns");
        }
    }

    private static void Jitter(PixelImage view, JitterParameters jitter, JitterOperation operation)
    {
        switch (operation)
        {
            case JitterOperation.Brightness:
                ColorJitter.Brightness(view, jitter.Brightness);
                break;
            case JitterOperation.Contrast:
                ColorJitter.Contrast(view, jitter.Contrast);
                break;
            case JitterOperation.Saturation:
                ColorJitter.Saturation(view, jitter.Saturation);
                break;
            default:
                ColorJitter.Hue(view, jitter.Hue);
                break;
        }
    }
}
