"""PyTorch's side of the benchmark of GPUs: ViT-S/16, its features or an optimizer step of DINO, with the shapes of GpuSpeed.cs.

    torch_vit.py features|step float32|bf16 BATCH

Prints images a second; ends with 1 where there is no GPU. The network is written with torch.nn's own layers, attention as
scaled_dot_product_attention; AdamW is the fused one: what a user would write who cares for speed, without compiling.
"""

import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

DIM, DEPTH, HEADS, PATCH, OUTPUTS, LOCALS = 384, 12, 6, 16, 65536, 8


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(DIM, eps=1e-6), nn.LayerNorm(DIM, eps=1e-6)
        self.qkv, self.proj = nn.Linear(DIM, 3 * DIM), nn.Linear(DIM, DIM)
        self.mlp = nn.Sequential(nn.Linear(DIM, 4 * DIM), nn.GELU(), nn.Linear(4 * DIM, DIM))

    def forward(self, x):
        b, n, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, n, 3, HEADS, DIM // HEADS).permute(2, 0, 3, 1, 4)
        x = x + self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, DIM))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, DIM, PATCH, PATCH)
        self.cls = nn.Parameter(torch.zeros(1, 1, DIM))
        self.positions = nn.ParameterDict({str(s): nn.Parameter(torch.zeros(1, (s // PATCH) ** 2 + 1, DIM)) for s in (224, 96)})
        self.blocks, self.norm = nn.Sequential(*[Block() for _ in range(DEPTH)]), nn.LayerNorm(DIM, eps=1e-6)

    def forward(self, x):
        side = x.shape[-1]
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.positions[str(side)]
        return self.norm(self.blocks(x)[:, 0])


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(DIM, 2048), nn.GELU(), nn.Linear(2048, 2048), nn.GELU(), nn.Linear(2048, 256))
        self.last = nn.Linear(256, OUTPUTS, bias=False)

    def forward(self, x):
        return F.linear(F.normalize(self.mlp(x), dim=-1), F.normalize(self.last.weight, dim=-1))


def features(batch, autocast):
    network, images = ViT().cuda().eval(), torch.rand(batch, 3, 224, 224, device="cuda")

    def run():
        with torch.inference_mode(), autocast():
            network(images)

    return run


def step(batch, autocast):
    student, teacher = ((ViT().cuda(), Head().cuda()) for _ in range(2))
    parameters = [p for part in student for p in part.parameters()]
    averaged = [p for part in teacher for p in part.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, fused=True)
    center = torch.zeros(1, OUTPUTS, device="cuda")
    crops = [torch.rand(2 * batch, 3, 224, 224, device="cuda"), torch.rand(LOCALS * batch, 3, 96, 96, device="cuda")]

    def run():
        with autocast():
            with torch.no_grad():
                target = teacher[0](crops[0])
            tokens = torch.cat([student[0](crop) for crop in crops])
        with torch.no_grad():
            logits = teacher[1](target.float())
            target = ((logits - center) / 0.04).softmax(-1).view(2, batch, -1)
        output = (student[1](tokens.float()) / 0.1).log_softmax(-1).view(2 + LOCALS, batch, -1)
        pairs = (target.sum(0) * output.sum(0)).sum(-1) - (target * output[:2]).sum((0, 2))
        loss = -pairs.mean() / (2 * (2 + LOCALS) - 2)
        optimizer.zero_grad()
        loss.backward()
        for p in parameters:
            torch.nn.utils.clip_grad_norm_(p, 3.0)
        optimizer.step()
        with torch.no_grad():
            center.lerp_(logits.mean(0, keepdim=True), 0.1)
            torch._foreach_lerp_(averaged, parameters, 0.004)

    return run


def main():
    if not torch.cuda.is_available():
        sys.exit("no GPU for PyTorch")
    work, precision, batch = sys.argv[1], sys.argv[2], int(sys.argv[3])

    def autocast():
        return torch.autocast("cuda", torch.bfloat16, enabled=precision == "bf16")

    run = {"features": features, "step": step}[work](batch, autocast)
    for count in (5, 20):
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(count):
            run()
        torch.cuda.synchronize()
        seconds = (time.perf_counter() - start) / count
    print(f"{batch / seconds:.0f}")


main()
