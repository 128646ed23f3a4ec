using static TorchSharp.torch;

namespace DinoSharp.Methods;

/// <summary>A network that follows another one: θ' ← m θ' + (1 − m) θ, parameters only; batch norm's running statistics are its own.</summary>
internal static class MovingAverage
{
    /// <summary>Makes a network the copy of another one, buffers included, and keeps gradients from it.</summary>
    public static void Start(nn.Module average, nn.Module current)
    {
        Copy(average, current);
        foreach (var parameter in average.parameters())
        {
            parameter.requires_grad = false;
        }
    }

    /// <summary>Takes all values of the other network, buffers included.</summary>
    public static void Copy(nn.Module average, nn.Module current)
    {
        using var noGradients = no_grad();
        foreach (var (mine, theirs) in average.state_dict().Values.Zip(current.state_dict().Values))
        {
            mine.copy_(theirs);
        }
    }

    /// <summary>Moves the average towards the other network, in one pass over both.</summary>
    public static void Update(nn.Module average, nn.Module current, double momentum)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (mine, theirs) in average.parameters().Zip(current.parameters()))
        {
            mine.lerp_(theirs, 1 - momentum);
        }
    }

    /// <summary>Takes the other network's running statistics, which are averages already.</summary>
    public static void CopyBuffers(nn.Module average, nn.Module current)
    {
        using var noGradients = no_grad();
        foreach (var (mine, theirs) in average.buffers().Zip(current.buffers()))
        {
            mine.copy_(theirs);
        }
    }
}
