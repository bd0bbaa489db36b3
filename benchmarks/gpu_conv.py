"""Convolutions on a GPU, every candidate tile beside cuDNN: `python -m benchmarks.gpu_conv [--kinds tf32,half,simt] [--tiles w] [name ...]`.

The layers of ResNet-50 at batch 32, a small convnet's, grouped and 1 x 1 ones; forward and both gradients. Images of few channels are
also convolved directly ("direct" in place of a tile). cuDNN is timed through PyTorch (channels last, as a CUDA graph, its own
autotuning on) where that is installed. Writes JSON.
"""

import time

from benchmarks import gpu_candidates as bench
from kerasgpu.kernels.gpu.plans import conv as planned
from kerasgpu.kernels.gpu.plans import conv_direct, gemm_table
from kerasgpu.kernels.window import Window

# name: (batch, pixels, channels, filters, kernel, stride, groups)
SHAPES = {
    "resnet conv1": (32, 224, 3, 64, 7, 2, 1),
    "resnet 56 3x3": (32, 56, 64, 64, 3, 1, 1),
    "resnet 28 3x3": (32, 28, 128, 128, 3, 1, 1),
    "resnet 14 3x3": (32, 14, 256, 256, 3, 1, 1),
    "resnet 7 3x3": (32, 7, 512, 512, 3, 1, 1),
    "resnet 56 3x3 stride 2": (32, 56, 128, 128, 3, 2, 1),
    "resnet 56 1x1 up": (32, 56, 64, 256, 1, 1, 1),
    "resnet 56 1x1 down": (32, 56, 256, 64, 1, 1, 1),
    "resnet 14 1x1 up": (32, 14, 256, 1024, 1, 1, 1),
    "resnet 28 1x1 stride 2": (32, 28, 512, 1024, 1, 2, 1),
    "mnist conv1": (128, 28, 1, 32, 3, 1, 1),
    "mnist conv2": (128, 13, 32, 64, 3, 1, 1),
    "cifar conv1": (128, 32, 3, 64, 3, 1, 1),
    "mobilenet conv1": (32, 224, 3, 32, 3, 2, 1),
    "resnext 28 groups": (32, 28, 256, 256, 3, 1, 32),
}
PARTS = ("conv", "conv_input_grad", "conv_filter_grad")


def peers(kind, part, shape):
    batch, size, channels, filters, kernel, stride, groups = shape
    torch = bench.optional("torch")
    if torch is None or not torch.cuda.is_available():
        return {}
    torch.backends.cudnn.allow_tf32 = kind == "tf32"
    torch.backends.cudnn.benchmark = True
    dtype = torch.bfloat16 if kind == "half" else torch.float32
    last = torch.channels_last
    x = torch.randn(batch, channels, size, size, device="cuda", dtype=dtype).to(memory_format=last)
    w = torch.randn(filters, channels // groups, kernel, kernel, device="cuda", dtype=dtype).to(memory_format=last)
    before = (kernel - 1) // 2
    y = torch.nn.functional.conv2d(x, w, stride=stride, padding=before, groups=groups)
    if part == "conv":
        run = lambda: torch.nn.functional.conv2d(x, w, stride=stride, padding=before, groups=groups)
    else:
        mask = (part == "conv_input_grad", part == "conv_filter_grad", False)
        pair = lambda v: (v, v)
        run = lambda: torch.ops.aten.convolution_backward(
            y, x, w, None, pair(stride), pair(before), pair(1), False, pair(0), groups, mask
        )
    return {"cudnn (torch)": bench.torch_seconds(torch, run)}


def main():
    args = bench.arguments(__doc__)
    device, rows = bench.device_name(), []
    print(device)
    deadline = time.perf_counter() + args.seconds
    for kind in args.kinds.split(","):
        for name, shape in SHAPES.items():
            if (args.names and not any(part in name for part in args.names)) or time.perf_counter() > deadline:
                continue
            batch, size, channels, filters, kernel, stride, groups = shape
            before = (kernel - 1) // 2
            count = (size + 2 * before - kernel) // stride + 1
            two = lambda v: (v, v)
            window = Window(two(size), two(count), two(kernel), two(stride), two(1), two(before))
            dtype = bench.KINDS[kind]
            x = bench.random_array((batch, size, size, channels), dtype)
            y = bench.random_array((batch, count, count, filters), dtype, 1)
            w = bench.random_array((kernel, kernel, channels // groups, filters), dtype, 2)
            ints = (batch, channels, filters, groups, 0, 0, *window.ints())
            pixels, taps = batch * count * count, kernel * kernel
            for part in PARTS:
                if time.perf_counter() > deadline or (part == "conv_input_grad" and channels < 4):
                    continue
                inputs, out = {"conv": ((x, w), y), "conv_input_grad": ((y, w), x), "conv_filter_grad": ((x, y), w)}[part]
                call = (part, inputs, (out,), ints, ())
                c = planned.Conv(batch, channels, filters, groups, False, False, window.whole())
                views = planned.views_of(c, planned.PARTS[part])
                sizes = planned.product_of(c, planned.PARTS[part], views)
                one_by_one = part != "conv_filter_grad" and (channels if part == "conv" else filters) // groups % 8 != 0
                most = planned.ROWS_ONE_BY_ONE if one_by_one else None
                whole = all(v // groups % (16 // bench.ITEM[kind]) == 0 for v in (channels, filters))
                choices, default = bench.ranked(args, kind, *sizes, most, len(views) == 1, whole)
                number, type_name = planned.PARTS[part], x.dtype.name
                if conv_direct.fits(c, number, type_name) and "direct".startswith(args.tiles):
                    choices = [*choices, conv_direct.CHOICE]
                    default = conv_direct.CHOICE if conv_direct.wanted(c, number, kind, type_name, sizes) else default
                found, worst = bench.time_candidates(kind, call, choices, deadline)
                flops = 2 * pixels * taps * c.depth * filters
                title = f"{name} {part[5:] or 'forward'}"
                others = {**peers(kind, part, shape), **bench.by_library(kind, call)}
                row = bench.report(title, kind, flops, found, worst, others, device, default)
                row["class"] = gemm_table.shape_class(kind, *sizes)
                rows.append(row)
    bench.save(args, "conv", device, rows)


if __name__ == "__main__":
    main()
