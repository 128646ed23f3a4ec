using DinoSharp.Models.Backbones;

namespace DinoSharp.Models.Tests;

/// <summary>
/// XCiT written down once more, after arXiv 2106.09681 and the definitions of its code: loops over numbers in double precision. Tokens are
/// [image][token][value], maps [image][channel][row, column].
/// </summary>
/// <param name="weights">by the network's names</param>
/// <param name="shape">of the network; without stochastic depth</param>
/// <param name="training">whether batch norms take the statistics of the batch</param>
internal sealed class PlainXcit(IReadOnlyDictionary<string, double[]> weights, XcitOptions shape, bool training)
{
    private readonly int _dim = shape.EmbedDim;

    public double[][] Features(double[][][,] images)
    {
        var maps = images;
        for (int i = 0; 1 << i < shape.PatchSize; i++)
        {
            maps = i > 0 ? Each(maps, Gelu) : maps;
            maps = BatchNorm($"patch_embed.proj.{2 * i}.1", Convolve($"patch_embed.proj.{2 * i}.0", maps, stride: 2, depthwise: false));
        }

        int height = maps[0][0].GetLength(0), width = maps[0][0].GetLength(1);
        double[][] positions = Positions(height, width);
        double[][][] tokens = [.. Tokens(maps).Select(image => Sum(image, positions))];
        for (int i = 0; i < shape.Depth; i++)
        {
            string at = $"blocks.{i}.";
            tokens = Add(tokens, at + "gamma1", CrossCovariance(at + "attn", LayerNorm(at + "norm1", tokens)));
            tokens = Add(tokens, at + "gamma3", LocalInteraction(at + "local_mp", LayerNorm(at + "norm3", tokens), height, width));
            tokens = Add(tokens, at + "gamma2", Mlp(at + "mlp", LayerNorm(at + "norm2", tokens)));
        }

        tokens = [.. tokens.Select(image => (double[][])[weights["cls_token"], .. image])];
        for (int i = 0; i < 2; i++)
        {
            string at = $"cls_attn_blocks.{i}.";
            tokens = Add(tokens, at + "gamma1", ClassAttention(at + "attn", LayerNorm(at + "norm1", tokens)));
            tokens = LayerNorm(at + "norm2", tokens);
            var classTokens = Mlp(at + "mlp", [.. tokens.Select(image => new[] { image[0] })]);
            double[] scale = weights[at + "gamma2"];
            tokens =
            [
                .. tokens.Select((image, b) => image.Select((token, n) =>
                    token.Select((x, d) => x + (n == 0 ? scale[d] * classTokens[b][0][d] : x)).ToArray()).ToArray()),
            ];
        }

        return [.. LayerNorm("norm", tokens).Select(image => image[0])];
    }

    private double[][] Positions(int height, int width)
    {
        double[] kernel = weights["pos_embeder.token_projection.weight"], bias = weights["pos_embeder.token_projection.bias"];
        var positions = new double[height * width][];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                double[] code = [.. Axis(y + 1, height), .. Axis(x + 1, width)];
                positions[y * width + x] = [.. bias.Select((b, d) => b + code.Select((c, i) => c * kernel[d * 64 + i]).Sum())];
            }
        }

        return positions;

        static IEnumerable<double> Axis(int place, int count)
        {
            for (int i = 0; i < 32; i++)
            {
                double angle = place / (count + 1e-6) * 2 * Math.PI / Math.Pow(10000, 2 * (i / 2) / 32.0);
                yield return i % 2 == 0 ? Math.Sin(angle) : Math.Cos(angle);
            }
        }
    }

    private double[][][] CrossCovariance(string name, double[][][] tokens)
    {
        int headDim = _dim / shape.Heads;
        return Linear(name + ".proj",
        [
            .. Linear(name + ".qkv", tokens).Select(image =>
            {
                var mixed = Empty(image.Length, _dim);
                for (int channel = 0; channel < _dim; channel++)
                {
                    int head = channel / headDim;
                    double[] query = Unit(Column(channel));
                    double[] scores = [.. Enumerable.Range(head * headDim, headDim).Select(other =>
                        weights[name + ".temperature"][head] * Dot(query, Unit(Column(_dim + other))))];
                    double[] attention = Softmax(scores);
                    for (int n = 0; n < image.Length; n++)
                    {
                        mixed[n][channel] = Dot(attention, image[n].AsSpan(2 * _dim + head * headDim, headDim).ToArray());
                    }
                }

                return mixed;

                double[] Column(int at) => [.. image.Select(token => token[at])];
            }),
        ]);

        static double[] Unit(double[] values) => [.. values.Select(v => v / Math.Sqrt(Dot(values, values)))];
    }

    private double[][][] LocalInteraction(string name, double[][][] tokens, int height, int width)
    {
        double[][][,] maps = [.. tokens.Select(image => Enumerable.Range(0, _dim).Select(d =>
        {
            var map = new double[height, width];
            for (int n = 0; n < image.Length; n++)
            {
                map[n / width, n % width] = image[n][d];
            }

            return map;
        }).ToArray())];
        maps = BatchNorm(name + ".bn", Each(Convolve(name + ".conv1", maps, stride: 1, depthwise: true), Gelu));
        return Tokens(Convolve(name + ".conv2", maps, stride: 1, depthwise: true));
    }

    /// <summary>What the class token becomes; the others stay as they come in.</summary>
    private double[][][] ClassAttention(string name, double[][][] tokens)
    {
        int headDim = _dim / shape.Heads;
        double[][][] attended =
        [
            .. Linear(name + ".qkv", tokens).Select(image => new[]
            {
                Enumerable.Range(0, shape.Heads).SelectMany(head =>
                {
                    double[][] Part(int part) => [.. image.Select(t => t.AsSpan(part * _dim + head * headDim, headDim).ToArray())];
                    double[] attention = Softmax([.. Part(1).Select(key => Dot(Part(0)[0], key) / Math.Sqrt(headDim))]);
                    return Enumerable.Range(0, headDim).Select(d => Dot(attention, [.. Part(2).Select(value => value[d])]));
                }).ToArray(),
            }),
        ];
        return [.. Linear(name + ".proj", attended).Select((image, b) => (double[][])[image[0], .. tokens[b].Skip(1)])];
    }

    private double[][][] Mlp(string name, double[][][] tokens) =>
        Linear(name + ".fc2", [.. Linear(name + ".fc1", tokens).Select(i => i.Select(t => t.Select(Gelu).ToArray()).ToArray())]);

    private double[][][] Linear(string name, double[][][] tokens)
    {
        double[] matrix = weights[name + ".weight"], bias = weights[name + ".bias"];
        return [.. tokens.Select(image => image.Select(token =>
            bias.Select((b, o) => b + Dot(token, matrix.AsSpan(o * token.Length, token.Length).ToArray())).ToArray()).ToArray())];
    }

    private double[][][] LayerNorm(string name, double[][][] tokens) => [.. tokens.Select(image => image.Select(token =>
    {
        double mean = token.Average(), variance = token.Average(x => (x - mean) * (x - mean));
        return token.Select((x, d) => (x - mean) / Math.Sqrt(variance + 1e-6) * weights[name + ".weight"][d] + weights[name + ".bias"][d]).ToArray();
    }).ToArray())];

    private double[][][,] BatchNorm(string name, double[][][,] maps)
    {
        int channels = maps[0].Length;
        double[] mean = weights[name + ".running_mean"], variance = weights[name + ".running_var"];
        if (training)
        {
            mean = [.. Enumerable.Range(0, channels).Select(c => maps.SelectMany(i => i[c].Cast<double>()).Average())];
            variance = [.. mean.Select((m, c) => maps.SelectMany(i => i[c].Cast<double>()).Average(x => (x - m) * (x - m)))];
        }

        return [.. maps.Select(image => image.Select((map, c) => Each(map, x =>
            (x - mean[c]) / Math.Sqrt(variance[c] + 1e-5) * weights[name + ".weight"][c] + weights[name + ".bias"][c])).ToArray())];
    }

    /// <summary>A 3x3 convolution with a border of zeros; where depthwise, each channel by a kernel of its own.</summary>
    private double[][][,] Convolve(string name, double[][][,] maps, int stride, bool depthwise)
    {
        double[] kernel = weights[name + ".weight"];
        int inputs = depthwise ? 1 : maps[0].Length, outputs = kernel.Length / (9 * inputs);
        int height = maps[0][0].GetLength(0), width = maps[0][0].GetLength(1);
        return [.. maps.Select(image => Enumerable.Range(0, outputs).Select(o =>
        {
            var map = new double[(height + stride - 1) / stride, (width + stride - 1) / stride];
            for (int y = 0; y < map.GetLength(0); y++)
            {
                for (int x = 0; x < map.GetLength(1); x++)
                {
                    map[y, x] = weights.TryGetValue(name + ".bias", out double[]? bias) ? bias[o] : 0;
                    for (int at = 0; at < 9 * inputs; at++)
                    {
                        int row = y * stride + at % 9 / 3 - 1, column = x * stride + at % 3 - 1;
                        bool inside = row >= 0 && row < height && column >= 0 && column < width;
                        map[y, x] += inside ? kernel[o * 9 * inputs + at] * image[depthwise ? o : at / 9][row, column] : 0;
                    }
                }
            }

            return map;
        }).ToArray())];
    }

    private double[][][] Add(double[][][] tokens, string scale, double[][][] branch) =>
        [.. tokens.Zip(branch, (image, added) => Sum(image, added, weights[scale]))];

    private static double[][] Sum(double[][] image, double[][] added, double[]? scale = null) =>
        [.. image.Zip(added, (token, more) => token.Select((x, d) => x + (scale?[d] ?? 1) * more[d]).ToArray())];

    private static double[][][] Tokens(double[][][,] maps) => [.. maps.Select(image =>
    {
        int width = image[0].GetLength(1);
        return Enumerable.Range(0, image[0].Length).Select(n => image.Select(map => map[n / width, n % width]).ToArray()).ToArray();
    })];

    private static double[][][,] Each(double[][][,] maps, Func<double, double> change) =>
        [.. maps.Select(image => image.Select(map => Each(map, change)).ToArray())];

    private static double[,] Each(double[,] map, Func<double, double> change)
    {
        var changed = new double[map.GetLength(0), map.GetLength(1)];
        for (int i = 0; i < map.Length; i++)
        {
            int y = i / map.GetLength(1), x = i % map.GetLength(1);
            changed[y, x] = change(map[y, x]);
        }

        return changed;
    }

    private static double[][] Empty(int rows, int columns) => [.. Enumerable.Range(0, rows).Select(_ => new double[columns])];

    private static double[] Softmax(double[] scores)
    {
        double[] powers = [.. scores.Select(Math.Exp)];
        return [.. powers.Select(p => p / powers.Sum())];
    }

    private static double Dot(double[] left, double[] right) => left.Zip(right, (l, r) => l * r).Sum();

    /// <summary>x Φ(x); the error function by its Taylor series, which converges everywhere.</summary>
    private static double Gelu(double x)
    {
        double argument = x / Math.Sqrt(2), term = argument, sum = argument;
        if (Math.Abs(argument) > 5)
        {
            return Math.Max(x, 0);
        }

        for (int n = 1; Math.Abs(term) > 1e-18; n++)
        {
            term *= -argument * argument / n;
            sum += term / (2 * n + 1);
        }

        return x / 2 * (1 + 2 / Math.Sqrt(Math.PI) * sum);
    }
}
