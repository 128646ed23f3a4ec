namespace DinoSharp.Imaging;

/// <summary>A colour of 8 bits a channel.</summary>
public readonly record struct PixelColor(byte Red, byte Green, byte Blue);
