"""Running what was planned: launches, the interface of a driver, and CuPy's: memory, copies, NVRTC, modules, CUDA graphs.

The lowest of the four folders of kernels/gpu; it imports none of the others.
"""
