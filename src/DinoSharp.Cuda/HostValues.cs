using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Cuda;

/// <summary>Values that the host makes in each step.</summary>
public static class HostValues
{
    /// <summary>
    /// Brings values to a device. To a GPU they go by way of pinned memory: a copy from any other waits until the GPU has done all that it was
    /// given. The pinned memory is torch's, which keeps it until the copy is done.
    /// </summary>
    /// <param name="values">on the CPU</param>
    /// <param name="device">where they are needed</param>
    /// <returns>of the caller's dispose scope; the values themselves where they are there already</returns>
    public static Tensor Bring(this Tensor values, Device device)
    {
        if (device.type != DeviceType.CUDA)
        {
            return device.type == values.device_type ? values : values.to(device);
        }

        using var pinned = values.pin_memory();
        return pinned.to(device, non_blocking: true);
    }
}
