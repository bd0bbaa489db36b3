"""Differences on purpose (docs/compatibility.md) and those of the oracle's backend, as rules that excuse them."""

import re

# (pattern of the step, of our error, of Keras's error); None: no error on that side.
ERRORS = [
    ("", "^MissingName", None),  # what kerasgpu does not have says so
    ("np[.]", None, "ValueError|TypeError"),  # NumPy's numbers are taken where Python's are
    ("", None, "Could not interpret regularizer identifier: l1_l2"),  # the name that old files use
    (r"layers\.\w+\((np\.float32|True|2\.5)", "^(ValueError|TypeError)", None),  # counts that are no integers are refused
    ("", None, "Unrecognized data type"),  # lists of lists of numbers are arrays
    ("", None, "`loss_weights` must match the number of losses"),  # one loss for all outputs takes weights per output
    ("", None, "^RuntimeError|unsupported operand type"),  # limits of PyTorch: bool targets, losses that are no scalars
    ("", None, "^OSError: could not get source code"),  # of a lambda that is not in a file
    ("tolist", None, "only supported for tensors or NumPy arrays"),
    (
        "clone_model|from_config",
        None,
        "TypeError: .*could not be deserialized properly",
    ),  # a subclassed model that takes no arguments is made anew
    ("", None, "must be 1 with the PyTorch backend"),
    ("m.h5", "Only input tensors", None),  # operations with numbers in Keras's legacy files: Keras does not load its own either
    (
        "^(?!.*save_best_only).*ModelCheckpoint",
        None,
        "isn't able to automatically",
    ),  # every epoch is saved: no direction needed
    ("steps_per_execution", "must be a positive integer", None),  # Keras takes -1 on PyTorch
]
# (pattern of the step, of what differs).
VALUES = [
    ("forever=False", r"length of \['epoch'\]"),  # a generator at its end ends the fit; Keras counts empty epochs
    ("v.path", "value"),  # the first part of a path, the model's name, is there or not
]


def matches(pattern, error):
    if pattern is None or error is None:
        return pattern is None and error is None
    return re.search(pattern, f"{type(error).__name__}: {error}", re.S) is not None


class Rules:
    """Which differences of a program are known."""

    def __init__(self, program):
        self.text = "\n".join(step.source() for step in program)

    def excuses(self, step, ours, theirs) -> bool:
        return any(matches(a, ours) and matches(b, theirs) and re.search(where, step.source()) for where, a, b in ERRORS)

    def excuses_value(self, step, found) -> bool:
        what = found[0]
        if "['loss']" in what and what.startswith("keys") and not found[2]:
            return True  # losses write arguments into their configs that Keras forgets (`delta` of Huber)
        if "ignore_class" in self.text and "weighted_metrics" in self.text and "acc" in what:
            return True  # on PyTorch the mask of `ignore_class` changes the metrics' weights in place
        if "subclassed" in self.text and re.search("to_json|get_config", step.source()) and what.startswith("keys"):
            return True  # of a model without get_config Keras writes dtype and trainable, kerasgpu nothing
        *before, last = self.text.split("model.compile(")
        if what.startswith("keys") and not found[1] and len(before) > 1 and "metrics=" not in last.split("\n")[0]:
            return True  # Keras goes on reporting metrics of the compile before
        if found[3] and "Lamb" in self.text:
            return True  # divides updates by their norm: gradients that are zero but for rounding become whole steps
        return any(re.search(where, step.source()) and re.search(pattern, what) for where, pattern in VALUES)
