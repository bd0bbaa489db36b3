"""Timings of every kernel: `make bench`, or `python -m benchmarks --help`."""
