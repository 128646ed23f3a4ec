using System.Buffers.Binary;

namespace DinoSharp.Imaging;

/// <summary>How an element of an array file becomes a sample of 8 bits.</summary>
internal interface INpySample
{
    /// <summary>Bytes of an element.</summary>
    static abstract int Size { get; }

    /// <summary>0 to 255; below 0 if the element is no number.</summary>
    static abstract int ToSample(ReadOnlySpan<byte> element, bool bigEndian);
}

/// <summary>A byte is a sample as it is.</summary>
internal readonly struct NpyByte : INpySample
{
    public static int Size => 1;

    public static int ToSample(ReadOnlySpan<byte> element, bool bigEndian) => element[0];
}

/// <summary>False is black and true is white, as in images of one bit.</summary>
internal readonly struct NpyBoolean : INpySample
{
    public static int Size => 1;

    public static int ToSample(ReadOnlySpan<byte> element, bool bigEndian) => element[0] == 0 ? 0 : 255;
}

/// <summary>16 bits are divided by 257, which takes 65535 to 255, and rounded.</summary>
internal readonly struct NpyUInt16 : INpySample
{
    public static int Size => 2;

    public static int ToSample(ReadOnlySpan<byte> element, bool bigEndian) =>
        ((bigEndian ? BinaryPrimitives.ReadUInt16BigEndian(element) : BinaryPrimitives.ReadUInt16LittleEndian(element)) + 128) / 257;
}

/// <summary>Floating point from 0 to 1 is multiplied by 255 and rounded; what lies outside is clamped.</summary>
internal readonly struct NpyHalf : INpySample
{
    public static int Size => 2;

    public static int ToSample(ReadOnlySpan<byte> element, bool bigEndian) =>
        NpyDouble.ToSample((double)(bigEndian ? BinaryPrimitives.ReadHalfBigEndian(element) : BinaryPrimitives.ReadHalfLittleEndian(element)));
}

/// <inheritdoc cref="NpyHalf"/>
internal readonly struct NpySingle : INpySample
{
    public static int Size => 4;

    public static int ToSample(ReadOnlySpan<byte> element, bool bigEndian) =>
        NpyDouble.ToSample(bigEndian ? BinaryPrimitives.ReadSingleBigEndian(element) : BinaryPrimitives.ReadSingleLittleEndian(element));
}

/// <inheritdoc cref="NpyHalf"/>
internal readonly struct NpyDouble : INpySample
{
    public static int Size => 8;

    public static int ToSample(ReadOnlySpan<byte> element, bool bigEndian) =>
        ToSample(bigEndian ? BinaryPrimitives.ReadDoubleBigEndian(element) : BinaryPrimitives.ReadDoubleLittleEndian(element));

    /// <summary>The product is exact enough in double precision that no rounding but the last one happens to narrower types.</summary>
    public static int ToSample(double value) => double.IsNaN(value) ? -1 : (int)(Math.Clamp(value, 0, 1) * 255 + 0.5);
}
