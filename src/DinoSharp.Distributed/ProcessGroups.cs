using DinoSharp.Cuda;
using DinoSharp.Distributed.Mpi;
using DinoSharp.Distributed.Nccl;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Distributed;

/// <summary>How a process gets its group.</summary>
public static class ProcessGroups
{
    /// <summary>
    /// Joins the processes that mpirun, mpiexec or srun started together with this one. A process that was started by itself is alone, and
    /// nothing of MPI is loaded. Call it once, before the work.
    /// </summary>
    /// <param name="tell">tells people a line: why all ranks end</param>
    /// <exception cref="ProcessGroupUnavailableException">One line: there are several processes, and no library that joins them.</exception>
    public static ProcessGroup Start(Action<string> tell) =>
        Launcher.Of(Environment.GetEnvironmentVariable) is { Size: > 1 } launcher ? MpiProcessGroup.Join(launcher, tell) : ProcessGroup.Alone;

    /// <summary>
    /// The same processes, ready to exchange the tensors of the devices that they compute on: GPUs by NCCL. Call it on all of them, once.
    /// </summary>
    /// <param name="group">disposed by the one that is returned, where that is another</param>
    /// <param name="device">this process's</param>
    /// <exception cref="ProcessGroupUnavailableException">One line, the same on all: the devices do not go together, or NCCL is missing.</exception>
    /// <exception cref="CudaException">One line: a part of CUDA is missing.</exception>
    public static ProcessGroup On(this ProcessGroup group, Device device)
    {
        if (group.Size == 1)
        {
            return group;
        }

        var gpu = device.type == DeviceType.CUDA ? new CudaGpu(device.index) : null;
        var nccl = gpu is null ? null : NcclLibrary.Load();
        var own = new RankDevice(device.type, gpu?.Identity, nccl is not null);
        string? refusal = RankDevice.Refusal([.. group.GatherMessages(own.ToBytes()).Select(RankDevice.Of)], group.Describe);
        return
            refusal is not null ? throw new ProcessGroupUnavailableException(refusal) :
            gpu is null ? group : new NcclProcessGroup(group, nccl!, gpu, device);
    }
}
