"""PyTorch's side of the benchmarks of search and k-NN: the similarities of all queries with a gallery, and the largest of each.

    torch_search.py GALLERY QUERIES DIM K CHUNK THREADS

Writes a line with the version. Answers each line "run" with the seconds that all queries took, in chunks of CHUNK, and each line
"memory" with the process's largest resident size in bytes. Its features are random: the time does not depend on them.
"""

import resource
import sys
import time

import torch


def main():
    gallery_rows, query_rows, dim, k, chunk, threads = map(int, sys.argv[1:])
    torch.set_num_threads(threads)
    print(f"torch {torch.__version__}", flush=True)
    torch.manual_seed(0)
    gallery = torch.nn.functional.normalize(torch.randn(gallery_rows, dim), dim=1)
    queries = torch.nn.functional.normalize(torch.randn(query_rows, dim), dim=1)
    with torch.no_grad():
        for line in sys.stdin:
            if line.strip() == "memory":
                print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, flush=True)
                continue
            start = time.perf_counter()
            for rows in queries.split(chunk):
                torch.mm(rows, gallery.t()).topk(k, dim=1, largest=True, sorted=True)
            print(time.perf_counter() - start, flush=True)


main()
