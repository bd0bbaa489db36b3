"""The GPU side of the kernels: planners turn a call into launches, a driver runs them. docs/cuda.md is the guide.

Four folders, each of which imports only those before it: `driver`, `vendor`, `plans`, `graph`.
"""

from kerasgpu.kernels.gpu import vendor
from kerasgpu.kernels.gpu.driver import cupy_driver, interface

interface.by_default(cupy_driver.CupyDriver)
vendor.install()
