"""From a launch's source to a module on a GPU: disk cache, NVRTC, loading. Each module is made once, several at a time."""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from kerasgpu import config
from kerasgpu.kernels.gpu.driver import cache, nvrtc, sources
from kerasgpu.kernels.gpu.driver.libcuda import NO_IMAGE, CudaError


def image_for(module: tuple, arch: str, compiler, fresh: bool = False) -> bytes:
    """The compiled image of a module (source, defines, text, options), from the cache unless `fresh`."""
    source, defines, text, options = module
    key = sources.fingerprint(source, defines, text, arch, repr(options), repr(compiler.version), *nvrtc.common())
    image = None if fresh or config.dump_folder() else cache.read(key)
    if image is None:
        made = compiler.compile(source, defines, text, options, arch)
        image = made.image
        cache.write(key, image)
        if config.dump_folder():
            dump(config.dump_folder(), key, module, arch, made)
    return image


def dump(folder: str, key: str, module: tuple, arch: str, made) -> None:
    """KERASGPU_DUMP: the source with its generated part and options, the PTX, the compiler's log, the cubin."""
    source, defines, text, options = module
    name = os.path.join(folder, f"{os.path.splitext(source)[0]}-{arch}-{key[:12]}")
    os.makedirs(folder, exist_ok=True)
    head = f"// {source} for {arch}\n// {' '.join(f'-D{k}={v}' for k, v in defines)} {' '.join(options)}\n"
    generated = f"// ---- generated.cuh\n{text}// ---- {source}\n" if text else ""
    with open(f"{name}.cu", "w", encoding="utf-8") as f:
        f.write(head + generated + sources.read(os.path.join("cuda", source)))
    with open(f"{name}.ptx", "w", encoding="utf-8") as f:
        f.write(made.ptx)
    with open(f"{name}.log", "w", encoding="utf-8") as f:
        f.write(made.log)
    with open(f"{name}.cubin", "wb") as b:
        b.write(made.image)
    print(f"kerasgpu: wrote {name}.cu, .ptx, .log and .cubin", file=sys.stderr)


class Modules:
    """The modules loaded on one GPU. `cuda`: a LibCuda with the GPU's context current in every thread that calls."""

    def __init__(self, cuda, compiler, arch: str):
        self.cuda = cuda
        self.compiler = compiler
        self.arch = arch
        self._images: dict = {}
        self._modules: dict = {}
        self._functions: dict = {}
        self._lock = threading.Lock()

    def compile_all(self, launches) -> None:
        """Compile (or read) what is missing, in a pool of threads: NVRTC needs no context."""
        missing = [m for m in dict.fromkeys(one.module for one in launches) if m not in self._modules and m not in self._images]
        if len(missing) > 1:
            with ThreadPoolExecutor(min(len(missing), config.available_cpus(), 16)) as pool:
                images = pool.map(lambda m: image_for(m, self.arch, self.compiler), missing)
                self._images.update(zip(missing, images))

    def function(self, launch):
        key = launch.module, launch.entry, launch.shared
        found = self._functions.get(key)
        if found is None:
            with self._lock:
                module = self._modules.get(launch.module)
                if module is None:
                    module = self._modules[launch.module] = self._load(launch.module)
                found = self._functions[key] = self.cuda.function(module, launch.entry, launch.shared)
        return found

    def _load(self, module: tuple):
        image = self._images.pop(module, None) or image_for(module, self.arch, self.compiler)
        try:
            return self.cuda.load_module(image)
        except CudaError as error:
            if error.status == NO_IMAGE:
                raise RuntimeError(
                    f"the driver does not load kernels for {self.arch} made by NVRTC {self.compiler.version}: {error}. Install an "
                    "NVRTC that is not newer than the driver, or a newer driver"
                ) from None
            # A damaged image that passed its checksum: made again once.
            return self.cuda.load_module(image_for(module, self.arch, self.compiler, fresh=True))
