"""The GPU side of the kernels: planners turn a call into launches, a driver runs them. docs/cuda.md is the guide."""
