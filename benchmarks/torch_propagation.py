"""PyTorch's side of the benchmark of video object segmentation: a ViT's patch features of a frame, and the labels of a frame by the dense
similarities of all its patches with those of the context.

    torch_propagation.py ROWS COLUMNS DIM DEPTH HEADS PATCH FRAMES LABELS NEIGHBORHOOD TOPK THREADS

Writes a line with the version. Answers "features" and "labels" with the seconds of one frame, and "memory" with the process's largest
resident size in bytes. Weights, frames and features are random: the time does not depend on them.
"""

import resource
import sys
import time

import torch
import torch.nn.functional as F


def features(frame, weights, depth, heads, patch):
    tokens = F.conv2d(frame, weights["embed"], stride=patch).flatten(2).transpose(1, 2)
    for _ in range(depth):
        batch, count, dim = tokens.shape
        query, key, value = F.linear(F.layer_norm(tokens, (dim,)), weights["qkv"]).view(batch, count, 3, heads, -1).permute(2, 0, 3, 1, 4)
        attention = (query @ key.transpose(-2, -1) * (dim // heads) ** -0.5).softmax(-1)
        tokens = tokens + F.linear((attention @ value).transpose(1, 2).reshape(batch, count, dim), weights["proj"])
        tokens = tokens + F.linear(F.gelu(F.linear(F.layer_norm(tokens, (dim,)), weights["up"])), weights["down"])
    return F.normalize(tokens[0], dim=1)


def labels_of(target, context, soft, mask, k):
    # A row a target: the reference has a column, and topk down columns takes minutes on the CPU.
    affinity = torch.exp(target @ context.flatten(0, 1).t() / 0.1) * mask.repeat(1, context.shape[0])
    values, indices = affinity.topk(k, dim=1)
    weights = values / values.sum(1, keepdim=True)
    return (soft.t()[indices] * weights[..., None]).sum(1)


def main():
    rows, columns, dim, depth, heads, patch, frames, labels, reach, k, threads = map(int, sys.argv[1:])
    torch.set_num_threads(threads)
    print(f"torch {torch.__version__}", flush=True)
    torch.manual_seed(0)
    weights = {
        "embed": torch.randn(dim, 3, patch, patch) * 0.02,
        "qkv": torch.randn(3 * dim, dim) * 0.02,
        "proj": torch.randn(dim, dim) * 0.02,
        "up": torch.randn(4 * dim, dim) * 0.02,
        "down": torch.randn(dim, 4 * dim) * 0.02,
    }
    frame = torch.randn(1, 3, rows * patch, columns * patch)
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    y, x = y.flatten(), x.flatten()
    mask = (((y[:, None] - y).abs() <= reach) & ((x[:, None] - x).abs() <= reach)).float()
    context = F.normalize(torch.randn(frames, rows * columns, dim), dim=2)
    target = F.normalize(torch.randn(rows * columns, dim), dim=1)
    soft = torch.rand(labels, frames * rows * columns)
    work = {
        "features": lambda: features(frame, weights, depth, heads, patch),
        "labels": lambda: labels_of(target, context, soft, mask, k),
    }
    with torch.no_grad():
        for line in sys.stdin:
            if line.strip() == "memory":
                print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, flush=True)
                continue
            start = time.perf_counter()
            work[line.strip()]()
            print(time.perf_counter() - start, flush=True)


main()
