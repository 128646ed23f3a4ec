"""torchvision's side of the benchmark of views, on one thread.

    torchvision_views.py photographs|icons|evaluation

Writes a line with the versions. Reads a line with the number of images, and per image a line with its length and its bytes. Then
answers each line "round" (decode, make all views, normalise) or "decode" with the seconds that it took for all images.
"""

import io
import random
import sys
import time

import PIL
import torch
import torchvision
from PIL import Image, ImageFilter, ImageOps
from torchvision import transforms as T

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BICUBIC = T.InterpolationMode.BICUBIC


class Blur:
    def __init__(self, p):
        self.p = p

    def __call__(self, image):
        if random.random() > self.p:
            return image
        return image.filter(ImageFilter.GaussianBlur(radius=random.uniform(0.1, 2)))


class Solarize:
    def __init__(self, p):
        self.p = p

    def __call__(self, image):
        return ImageOps.solarize(image) if random.random() < self.p else image


def crop(size, scale, *last):
    return T.Compose(
        [
            T.RandomResizedCrop(size, scale, interpolation=BICUBIC),
            T.RandomHorizontalFlip(0.5),
            T.RandomApply([T.ColorJitter(0.4, 0.4, 0.2, 0.1)], 0.8),
            T.RandomGrayscale(0.2),
            *last,
            T.ToTensor(),
            T.Normalize(MEAN, STD),
        ]
    )


def multi_crop(global_size, local_size, local_count):
    first = crop(global_size, (0.4, 1), Blur(1))
    second = crop(global_size, (0.4, 1), Blur(0.1), Solarize(0.2))
    local = crop(local_size, (0.05, 0.4), Blur(0.5))
    views = [first, second] + [local] * local_count
    return lambda image: [view(image) for view in views]


def evaluation():
    return T.Compose([T.Resize(256, interpolation=BICUBIC), T.CenterCrop(224), T.ToTensor(), T.Normalize(MEAN, STD)])


def decode(encoded):
    return Image.open(io.BytesIO(encoded)).convert("RGB")


def main():
    torch.set_num_threads(1)
    kinds = {
        "photographs": lambda: multi_crop(224, 96, 8),
        "icons": lambda: multi_crop(32, 16, 6),
        "evaluation": evaluation,
    }
    make = kinds[sys.argv[1]]()
    print(f"torchvision {torchvision.__version__}, torch {torch.__version__}, Pillow {PIL.__version__}", flush=True)

    stdin = sys.stdin.buffer
    images = [stdin.read(int(stdin.readline())) for _ in range(int(stdin.readline()))]
    for line in stdin:
        work = make if line.strip() == b"round" else lambda image: None
        start = time.perf_counter()
        for encoded in images:
            work(decode(encoded))
        print(time.perf_counter() - start, flush=True)


main()
