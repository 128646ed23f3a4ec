using DinoSharp.Cuda;
using DinoSharp.Data;
using static TorchSharp.torch;

namespace DinoSharp.Training;

/// <summary>
/// Brings batches to a GPU as bytes, on a stream of its own: while torch computes a step with one batch, the next is copied. There are two places
/// on the GPU that are used in turn. Events keep the order: a copy into a place begins when its last batch has been read there, and what
/// reads a place begins when the copy into it is done. The host waits only for the copy of the batch before the last, so that it runs ahead of the GPU
/// by two steps at most and the loader's memory goes round.
/// </summary>
internal sealed class PixelUpload(IGpu gpu, Device device) : IDisposable
{
    private readonly nint _stream = gpu.NewStream();
    private readonly Place[] _places = [new(gpu), new(gpu)];

    /// <summary>The batches, each read on the GPU in its turn.</summary>
    /// <typeparam name="T">what is read</typeparam>
    /// <param name="batches">disposed when they have been copied</param>
    /// <param name="read">gives torch what reads the pixels, uint8 [N, H, W, C] a resolution; nothing reads them afterwards</param>
    public IEnumerable<T> Read<T>(IEnumerable<ViewBatch> batches, Func<IReadOnlyList<Tensor>, IReadOnlyList<long>, T> read)
    {
        Place? ahead = null;
        int next = 0;
        foreach (var batch in batches)
        {
            var place = _places[next];
            next = 1 - next;
            Begin(place, batch);
            if (ahead is not null)
            {
                yield return Read(ahead, read);
            }

            ahead = place;
        }

        if (ahead is not null)
        {
            yield return Read(ahead, read);
        }
    }

    /// <summary>Waits for copies under way.</summary>
    public void Dispose()
    {
        foreach (var place in _places)
        {
            Let(place);
            place.Forget();
        }

        gpu.Free(_stream, _places.SelectMany(place => new[] { place.Copied, place.HasBeenRead }));
    }

    private void Begin(Place place, ViewBatch batch)
    {
        Let(place);
        place.Batch = batch;
        if (!place.Fits(batch.Pixels))
        {
            place.Forget();
            place.Pixels = [.. batch.Pixels.Select(pixels => empty(pixels.shape, ScalarType.Byte, device).DetachFromDisposeScope())];
            gpu.Record(place.HasBeenRead, gpu.TorchStream); // torch may have used this memory for something that is not done yet
        }

        gpu.Await(_stream, place.HasBeenRead);
        foreach (var (there, here) in place.Pixels.Zip(batch.Pixels))
        {
            gpu.Copy(TensorAddress.Of(there), TensorAddress.Of(here), here.NumberOfElements, _stream);
        }

        gpu.Record(place.Copied, _stream);
    }

    private T Read<T>(Place place, Func<IReadOnlyList<Tensor>, IReadOnlyList<long>, T> read)
    {
        gpu.Await(gpu.TorchStream, place.Copied);
        var result = read(place.Pixels, place.Batch!.Indices);
        gpu.Record(place.HasBeenRead, gpu.TorchStream);
        return result;
    }

    /// <summary>Lets the loader have the memory of a place's batch again.</summary>
    private void Let(Place place)
    {
        if (place.Batch is { } batch)
        {
            gpu.Finish(place.Copied);
            batch.Dispose();
            place.Batch = null;
        }
    }

    private sealed class Place(IGpu gpu)
    {
        public nint Copied { get; } = gpu.NewEvent();

        public nint HasBeenRead { get; } = gpu.NewEvent();

        public ViewBatch? Batch { get; set; }

        public Tensor[] Pixels { get; set; } = [];

        public bool Fits(IReadOnlyList<Tensor> pixels) =>
            Pixels.Length == pixels.Count && Pixels.Zip(pixels).All(pair => pair.First.shape.SequenceEqual(pair.Second.shape));

        public void Forget()
        {
            Array.ForEach(Pixels, pixels => pixels.Dispose());
            Pixels = [];
        }
    }
}
