"""Matrix products on a GPU, every candidate tile beside cuBLAS: `python -m benchmarks.gpu_gemm [--kinds tf32,half,simt] [--tiles w,t] [name ...]`.

Squares, skinny shapes, the products of an MLP's training step. Prints time, share of the chip's peak, the best tile, the largest
difference between candidates, and cuBLAS through PyTorch (as a CUDA graph) or CuPy (launched one by one). Writes JSON.
"""

import time

from benchmarks import gpu_candidates as bench
from kerasgpu.kernels.gpu.plans import gemm_table

# name: (m, n, k, transpose a, transpose b, batch)
SHAPES = {
    "square 4096": (4096, 4096, 4096, 0, 0, 1),
    "square 8192": (8192, 8192, 8192, 0, 0, 1),
    "square 2048": (2048, 2048, 2048, 0, 0, 1),
    "square 1024": (1024, 1024, 1024, 0, 0, 1),
    "square 512": (512, 512, 512, 0, 0, 1),
    "square 256": (256, 256, 256, 0, 0, 1),
    "square 128": (128, 128, 128, 0, 0, 1),
    "square 4096 b^t": (4096, 4096, 4096, 0, 1, 1),
    "square 4096 a^t": (4096, 4096, 4096, 1, 0, 1),
    "odd 1000": (1001, 999, 1003, 0, 0, 1),
    "mlp forward 1": (128, 128, 784, 0, 0, 1),
    "mlp forward 2": (128, 10, 128, 0, 0, 1),
    "mlp weight grad 1": (784, 128, 128, 1, 0, 1),
    "mlp weight grad 2": (128, 10, 128, 1, 0, 1),
    "mlp data grad": (128, 128, 10, 0, 1, 1),
    "mlp forward 1, batch 32": (32, 128, 784, 0, 0, 1),
    "mlp weight grad 1, batch 32": (784, 128, 32, 1, 0, 1),
    "mlp 4096 weight grad": (1024, 1024, 4096, 1, 0, 1),
    "skinny": (32, 4096, 4096, 0, 0, 1),
    "one row": (1, 4096, 4096, 0, 0, 1),
    "deep": (64, 64, 65536, 1, 0, 1),
    "tall": (65536, 64, 64, 0, 0, 1),
    "classifier": (256, 1000, 2048, 0, 0, 1),
    "attention q k": (512, 512, 64, 0, 1, 96),
    "attention p v": (512, 64, 512, 0, 0, 96),
}


def peers(kind, shape):
    """{library: seconds}; empty where neither is installed."""
    m, n, k, ta, tb, batch = shape
    torch = bench.optional("torch")
    if torch is not None and torch.cuda.is_available():
        torch.backends.cuda.matmul.allow_tf32 = kind == "tf32"
        make = lambda *s: torch.randn(batch, *s, device="cuda", dtype=torch.bfloat16 if kind == "half" else torch.float32)
        a, b = make(*((k, m) if ta else (m, k))), make(*((n, k) if tb else (k, n)))
        a, b = a.transpose(1, 2) if ta else a, b.transpose(1, 2) if tb else b
        out = torch.empty(batch, m, n, device="cuda", dtype=a.dtype)
        if batch == 1:
            a, b, out = a[0], b[0], out[0]
        return {"cublas (torch)": bench.torch_seconds(torch, lambda: torch.matmul(a, b, out=out))}
    cupy = bench.optional("cupy")
    if cupy is None or kind == "half":
        return {}
    make = lambda *s: cupy.random.standard_normal((batch, *s), dtype="float32")
    a, b = make(*((k, m) if ta else (m, k))), make(*((n, k) if tb else (k, n)))
    a, b = a.transpose(0, 2, 1) if ta else a, b.transpose(0, 2, 1) if tb else b
    out = cupy.empty((batch, m, n), "float32")
    try:
        tf32 = cupy.cuda.cublas.CUBLAS_TF32_TENSOR_OP_MATH if kind == "tf32" else cupy.cuda.cublas.CUBLAS_DEFAULT_MATH
        cupy.cuda.cublas.setMathMode(cupy.cuda.device.get_cublas_handle(), tf32)
        run = lambda: [cupy.matmul(a, b, out=out) for _ in range(10)]
        return {"cublas (cupy)": bench.best_of(run, 4) / 10}
    except Exception as error:  # cuBLAS is not installed
        print(f"no cuBLAS: {error}")
        return {}


def main():
    args = bench.arguments(__doc__)
    device, rows = bench.device_name(), []
    print(device)
    deadline = time.perf_counter() + args.seconds
    for kind in args.kinds.split(","):
        for name, shape in SHAPES.items():
            if (args.names and not any(part in name for part in args.names)) or time.perf_counter() > deadline:
                continue
            m, n, k, ta, tb, batch = shape
            if kind == "simt" and m * n * k > 1 << 37:
                continue
            dtype = bench.KINDS[kind]
            a = bench.random_array((batch, *((k, m) if ta else (m, k))), dtype)
            b = bench.random_array((batch, *((n, k) if tb else (k, n))), dtype, 1)
            out = bench.random_array((batch, m, n), dtype, 2)
            ints = (batch, m, n, k, ta, tb, m * k, k * n, 0, 0, 0)
            call = ("gemm", (a, b), (out,), ints, (1.0,))
            size = 16 // bench.ITEM[kind]
            whole = (m if ta else k) % size == 0 and (k if tb else n) % size == 0
            choices, default = bench.ranked(args, kind, m, n, k, batch, whole=whole, matrices=True)
            found, worst = bench.time_candidates(kind, call, choices, deadline)
            flops = 2 * m * n * k * batch
            others = {**peers(kind, shape), **bench.by_library(kind, call)}
            row = bench.report(name, kind, flops, found, worst, others, device, default)
            row["class"] = gemm_table.shape_class(kind, m, n, k, batch)
            rows.append(row)
    bench.save(args, "gemm", device, rows)


if __name__ == "__main__":
    main()
