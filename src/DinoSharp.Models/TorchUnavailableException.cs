namespace DinoSharp.Models;

/// <summary>Torch, or the device asked for, cannot be used here; the message is one line that says what to do.</summary>
public sealed class TorchUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
