"""Recorded steps on a GPU: programs cut into segments, and of each the order, branches, groups and scratch memory. program.py is the start.

The highest of the four folders of kernels/gpu: above `plans`, whose launches it arranges, and `driver`, which makes the CUDA graph.
"""
