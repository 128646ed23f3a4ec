namespace DinoSharp.Cli;

/// <summary>What was asked for cannot be done; the message is one line that says why and what to ask instead.</summary>
internal sealed class RequestException(string message) : Exception(message);
