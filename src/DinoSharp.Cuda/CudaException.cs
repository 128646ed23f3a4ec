namespace DinoSharp.Cuda;

/// <summary>A call of the GPU's driver, or of torch's part for GPUs, failed; the message is one line.</summary>
public sealed class CudaException(string message) : Exception(message);
