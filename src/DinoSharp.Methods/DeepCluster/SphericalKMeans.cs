using static TorchSharp.torch;

namespace DinoSharp.Methods.DeepCluster;

/// <summary>
/// Clusters of unit vectors by cosine (Dhillon and Modha 2001): each point goes to the centroid nearest to it, each centroid to the
/// direction of the sum of its points. The mean cosine of points with their centroids never falls. A centroid without points stays where
/// it is.
/// </summary>
public static class SphericalKMeans
{
    /// <summary>Numbers of the largest product at a time: 64 MiB in float32.</summary>
    private const long MostProducts = 1 << 24;

    /// <summary>Clusters points from centroids that are points drawn from torch's random state.</summary>
    /// <param name="points">of length 1 // [N, D]</param>
    /// <param name="clusters">K, at most N</param>
    /// <param name="iterations">how often centroids move</param>
    /// <returns>centroids of length 1 and, for each point, the nearest // [K, D], int64 [N]</returns>
    /// <exception cref="ArgumentException">There are fewer points than clusters.</exception>
    public static (Tensor Centroids, Tensor Assignments) Fit(Tensor points, int clusters, int iterations)
    {
        if (clusters > points.size(0))
        {
            throw new ArgumentException($"{points.size(0)} points do not make {clusters} clusters");
        }

        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var chosen = randperm(points.size(0), ScalarType.Int64).narrow(0, 0, clusters).to(points.device);
        var centroids = points.index_select(0, chosen); // [K, D]
        for (int i = 0; i < iterations; i++)
        {
            using var iteration = NewDisposeScope();
            Move(centroids, points, Assign(points, centroids).Assignments);
        }

        return (centroids.MoveToOuterDisposeScope(), Assign(points, centroids).Assignments.MoveToOuterDisposeScope());
    }

    /// <summary>The nearest centroid of each point; products of all points with all centroids never stand at once.</summary>
    /// <param name="points">// [N, D]</param>
    /// <param name="centroids">// [K, D]</param>
    /// <returns>numbers of centroids, and the points' mean cosine with them // int64 [N], []</returns>
    public static (Tensor Assignments, Tensor Similarity) Assign(Tensor points, Tensor centroids)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        long count = points.size(0), rows = Math.Max(1, MostProducts / centroids.size(0));
        var assignments = empty(count, ScalarType.Int64, points.device);
        var sum = zeros([], ScalarType.Float64, points.device);
        var directions = centroids.t();
        for (long first = 0; first < count; first += rows)
        {
            using var chunk = NewDisposeScope();
            long here = Math.Min(rows, count - first);
            var (cosines, nearest) = points.narrow(0, first, here).mm(directions).max(1); // [here]
            assignments.narrow(0, first, here).copy_(nearest);
            sum.add_(cosines.sum(ScalarType.Float64));
        }

        return (assignments.MoveToOuterDisposeScope(), (sum / count).MoveToOuterDisposeScope());
    }

    /// <summary>Moves each centroid to the direction of the sum of its points; one without points, or whose points cancel, stays.</summary>
    /// <param name="centroids">changed in place // [K, D]</param>
    /// <param name="points">// [N, D]</param>
    /// <param name="assignments">// int64 [N]</param>
    public static void Move(Tensor centroids, Tensor points, Tensor assignments)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var sums = zeros_like(centroids).index_add_(0, assignments, points, 1); // [K, D]
        var lengths = sums.norm(1, keepdim: true); // [K, 1]
        centroids.copy_(where(lengths.gt(1e-6), sums / lengths.clamp_min(1e-6), centroids));
    }
}
