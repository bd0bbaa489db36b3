"""Planners: from the name, operands and parameters of a kernel call to launches. Pure Python, no GPU; plan.py is the start.

Above `driver`, whose launches they make, and `vendor`, whose libraries may take the place of kernels.
"""
