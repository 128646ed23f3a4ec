using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>One of the four changes that a colour jitter consists of.</summary>
public enum JitterOperation
{
    Brightness,
    Contrast,
    Saturation,
    Hue,
}

/// <summary>A colour jitter as drawn.</summary>
/// <param name="Order">All four operations, first to last.</param>
public readonly record struct JitterParameters(
    float Brightness, float Contrast, float Saturation, float Hue, IReadOnlyList<JitterOperation> Order)
{
    private static readonly JitterOperation[][] Orders = AllOrders();

    internal static JitterParameters Draw(ref SampleRandom random, MultiCropOptions options)
    {
        IReadOnlyList<JitterOperation> order = Orders[random.NextInt(Orders.Length)];
        float brightness = Factor(ref random, options.Brightness);
        float contrast = Factor(ref random, options.Contrast);
        float saturation = Factor(ref random, options.Saturation);
        float hue = (float)random.Uniform(-options.Hue, options.Hue);
        return new JitterParameters(brightness, contrast, saturation, hue, order);
    }

    internal void Apply(PixelImage image)
    {
        for (int i = 0; i < Order.Count; i++)
        {
            switch (Order[i])
            {
                case JitterOperation.Brightness:
                    ColorJitter.Brightness(image, Brightness);
                    break;
                case JitterOperation.Contrast:
                    ColorJitter.Contrast(image, Contrast);
                    break;
                case JitterOperation.Saturation when image.Channels == 3:
                    ColorJitter.Saturation(image, Saturation);
                    break;
                case JitterOperation.Hue when image.Channels == 3:
                    ColorJitter.Hue(image, Hue);
                    break;
                default:
                    break; // without colour there is nothing to change
            }
        }
    }

    private static float Factor(ref SampleRandom random, double strength) => (float)random.Uniform(1 - strength, 1 + strength);

    private static JitterOperation[][] AllOrders()
    {
        JitterOperation[] all = Enum.GetValues<JitterOperation>();
        return
        [
            .. from a in all
               from b in all
               from c in all
               from d in all
               where new[] { a, b, c, d }.Distinct().Count() == all.Length
               select new[] { a, b, c, d },
        ];
    }
}
