"""The tensor engine: dtypes, devices, tensors, variables, the tape, operations, and captured programs. Knows no layer."""
