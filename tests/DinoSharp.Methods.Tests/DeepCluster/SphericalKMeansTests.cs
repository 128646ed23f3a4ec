using DinoSharp.Methods.DeepCluster;
using DinoSharp.Tests;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests.DeepCluster;

public sealed class SphericalKMeansTests
{
    [Fact]
    public void Separated_clusters_are_recovered()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        var truth = arange(90, ScalarType.Int64).remainder(3);
        var points = nn.functional.normalize(eye(3, 16).index_select(0, truth) + 0.05 * randn(90, 16), dim: 1);
        // A start may have two points of one cluster, from where k-means cannot always leave: one of several is enough.
        var best = Enumerable.Range(0, 8).Select(_ => SphericalKMeans.Fit(points, 3, 10))
            .MaxBy(fit => SphericalKMeans.Assign(points, fit.Centroids).Similarity.item<double>());
        var together = best.Assignments.unsqueeze(0).eq(best.Assignments.unsqueeze(1)); // [N, N]
        Assert.True(together.eq(truth.unsqueeze(0).eq(truth.unsqueeze(1))).all().item<bool>());
        Golden.AssertClose(ones(3), best.Centroids.norm(1), 1e-6, "lengths");
    }

    [Fact]
    public void The_points_never_get_further_from_their_centroids()
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        var points = nn.functional.normalize(randn(500, 6), dim: 1);
        var centroids = points.narrow(0, 0, 40).clone();
        var similarities = new List<double>();
        for (int i = 0; i < 15; i++)
        {
            var (assignments, similarity) = SphericalKMeans.Assign(points, centroids);
            similarities.Add(similarity.item<double>());
            SphericalKMeans.Move(centroids, points, assignments);
        }

        Assert.All(similarities.Zip(similarities.Skip(1)), pair => Assert.True(pair.Second >= pair.First - 1e-7));
        Assert.True(similarities[^1] > similarities[0] + 0.02);
    }

    [Fact]
    public void One_iteration_is_that_of_plain_loops_and_a_centroid_without_points_stays()
    {
        using var scope = NewDisposeScope();
        manual_seed(7);
        var points = nn.functional.normalize(rand(30, 4), dim: 1);
        var centroids = nn.functional.normalize(rand(5, 4), dim: 1);
        centroids[3].neg_(); // on the other side of the sphere than all points
        var before = centroids.clone();
        var (assignments, similarity) = SphericalKMeans.Assign(points, centroids);
        SphericalKMeans.Move(centroids, points, assignments);

        var sums = new double[5, 4];
        double total = 0;
        for (int n = 0; n < 30; n++)
        {
            double[] cosines = [.. Enumerable.Range(0, 5).Select(k =>
                Enumerable.Range(0, 4).Sum(d => (double)points[n, d].item<float>() * before[k, d].item<float>()))];
            int nearest = Array.IndexOf(cosines, cosines.Max());
            Assert.Equal(nearest, assignments[n].item<long>());
            total += cosines[nearest];
            for (int d = 0; d < 4; d++)
            {
                sums[nearest, d] += points[n, d].item<float>();
            }
        }

        Assert.Equal(total / 30, similarity.item<double>(), 1e-6);
        for (int k = 0; k < 5; k++)
        {
            double length = Math.Sqrt(Enumerable.Range(0, 4).Sum(d => sums[k, d] * sums[k, d]));
            for (int d = 0; d < 4; d++)
            {
                Assert.Equal(length > 0 ? sums[k, d] / length : before[k, d].item<float>(), centroids[k, d].item<float>(), 1e-6);
            }
        }

        Assert.Equal(0, assignments.eq(3).sum().item<long>());
    }

    /// <summary>Products of 5,000 points with 4,096 centroids are made in two parts.</summary>
    [Fact]
    public void Parts_give_what_the_whole_gives()
    {
        using var scope = NewDisposeScope();
        manual_seed(9);
        var points = nn.functional.normalize(randn(5000, 3), dim: 1);
        var centroids = points.narrow(0, 500, 4096);
        var (assignments, similarity) = SphericalKMeans.Assign(points, centroids);
        var (cosines, nearest) = points.mm(centroids.t()).max(1);
        Assert.True(nearest.eq(assignments).all().item<bool>());
        Assert.Equal(cosines.mean().item<float>(), similarity.item<double>(), 1e-6);
    }

    [Fact]
    public void More_clusters_than_points_are_refused()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ArgumentException>(() => SphericalKMeans.Fit(rand(3, 2), 4, 1));
        Assert.Equal("3 points do not make 4 clusters", error.Message);
    }
}
