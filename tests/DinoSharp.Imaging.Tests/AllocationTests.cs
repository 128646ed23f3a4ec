namespace DinoSharp.Imaging.Tests;

/// <summary>Kernels work in memory that is used again and again: per call nothing is left to the garbage collector.</summary>
public class AllocationTests
{
    private const int Calls = 50;

    [Fact]
    public void Kernels_allocate_nothing()
    {
        using PixelImage source = Fixture.Random(240, 180, 1), view = new(96, 96);
        float[] scale = [1, 1, 1], shift = [0, 0, 0], planes = new float[view.Pixels.Length];
        Random random = new(2);
        for (int i = 0; i < 6 * Calls; i++)
        {
            Run(); // the tables' and the pool's memory
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Calls; i++)
        {
            Run();
        }

        // A table may still meet its largest size yet.
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / Calls, 0, 1000);
        Resampler.Resize(source, new CropBox(0, 0, 100, 100), view, ResampleFilter.Bicubic);
        before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Calls; i++)
        {
            Resampler.Resize(source, new CropBox(i, i, 100, 100), view, ResampleFilter.Bicubic, mirror: true);
            Change();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Run()
        {
            int width = random.Next(20, 240), height = random.Next(20, 180);
            Resampler.Resize(source, new CropBox(0, 0, height, width), view, ResampleFilter.Bicubic);
            Change();
        }

        void Change()
        {
            ColorJitter.Brightness(view, 1.1f);
            ColorJitter.Contrast(view, 0.9f);
            ColorJitter.Saturation(view, 1.1f);
            ColorJitter.Hue(view, 0.1f);
            PixelOperations.Grayscale(view);
            GaussianBlur.Apply(view, 1.5f);
            PixelOperations.Solarize(view);
            PixelOperations.Posterize(view, 7);
            ToneCurves.AutoContrast(view);
            ToneCurves.Equalize(view);
            Sharpness.Apply(view, 1.2f);
            AffineWarp.Rotate(view, 3);
            AffineWarp.ShearX(view, 0.1);
            PixelPlanes.Normalize(view.Pixels, scale, shift, planes);
        }
    }
}
