using SkiaSharp;

namespace DinoSharp.Imaging;

/// <summary>All formats but TIFF and .npy, by the codecs that SkiaSharp brings.</summary>
internal static unsafe class SkiaReader
{
    /// <param name="encoded">The whole file.</param>
    /// <param name="name">What errors call the image.</param>
    /// <param name="options">What is made of the image.</param>
    /// <param name="orientation">
    /// How the image is to be turned, if that is known; null to follow the codec, if the options want it turned.
    /// </param>
    public static PixelImage Decode(ReadOnlySpan<byte> encoded, string name, DecodeOptions options, int? orientation)
    {
        if (options.Background is null && options.Channels != 4 && GifTransparency.TryFind(encoded, out int at, out byte opaque))
        {
            using PooledBytes changed = new(encoded.Length);
            encoded.CopyTo(changed.Span);
            changed.Span[at] = opaque;
            return DecodeAsItIs(changed.Span, name, options, orientation);
        }

        return DecodeAsItIs(encoded, name, options, orientation);
    }

    private static PixelImage DecodeAsItIs(ReadOnlySpan<byte> encoded, string name, DecodeOptions options, int? orientation)
    {
        fixed (byte* bytes = encoded)
        {
            using SKData data = SKData.Create((nint)bytes, encoded.Length);
            using SKCodec codec = SKCodec.Create(data)
                ?? throw new ImageFormatException(name, "not an image of a known format, or its header is damaged");
            SKImageInfo stored = codec.Info;
            ImageDecoder.CheckSize(stored.Width, stored.Height, name, options);
            int turn = orientation ?? (options.ApplyOrientation ? (int)codec.EncodedOrigin : ImageOrientation.Upright);
            SKSizeI size = stored.Size;
            if (codec.EncodedFormat == SKEncodedImageFormat.Jpeg)
            {
                size = codec.GetScaledDimensions(1f / ImageDecoder.Divisor(options, stored.Width, stored.Height, turn));
            }

            PixelImage image = new(size.Width, size.Height, options.Channels);
            try
            {
                Fill(image, codec, stored, options, name);
            }
            catch
            {
                image.Dispose();
                throw;
            }

            return ImageOrientation.Apply(image, turn);
        }
    }

    private static void Fill(PixelImage image, SKCodec codec, SKImageInfo stored, DecodeOptions options, string name)
    {
        bool opaque = stored.AlphaType == SKAlphaType.Opaque;
        if (image.Channels == 4 && (opaque || options.Background is null))
        {
            Read(image.Pixels, SKColorType.Rgba8888);
            return;
        }

        if (image.Channels == 1 && stored.ColorType == SKColorType.Gray8)
        {
            Read(image.Pixels, SKColorType.Gray8);
            return;
        }

        int pixels = image.Width * image.Height;
        using PooledBytes rgba = new(RgbaPacking.BufferSize(pixels));
        Read(rgba.Span, SKColorType.Rgba8888);
        if (!opaque && options.Background is { } background)
        {
            RgbaPacking.Compose(rgba.Span[..(4 * pixels)], background);
        }

        RgbaPacking.Pack(rgba.Span, image);

        void Read(Span<byte> target, SKColorType color)
        {
            // Without a colour space Skia leaves the samples as they are; unpremultiplied, those under alpha too.
            SKImageInfo info = new(image.Width, image.Height, color, opaque ? SKAlphaType.Opaque : SKAlphaType.Unpremul, colorspace: null);
            fixed (byte* first = target)
            {
                SKCodecResult result = codec.GetPixels(info, (nint)first);
                if (result != SKCodecResult.Success)
                {
                    throw new ImageFormatException(name, Describe(result));
                }
            }
        }
    }

    private static string Describe(SKCodecResult result) => result switch
    {
        SKCodecResult.IncompleteInput => "the file is truncated",
        SKCodecResult.ErrorInInput or SKCodecResult.InvalidInput => "the image data are damaged",
        SKCodecResult.Unimplemented or SKCodecResult.InvalidConversion => "this variety of the format cannot be decoded",
        _ => $"decoding failed ({result})",
    };
}
