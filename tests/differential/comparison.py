"""Runs a program on both libraries, step by step, and tells the first difference."""

import contextlib
import dataclasses
import io
import json
import os
import tempfile
import warnings

import numpy as np

from tests.differential import helpers, known

TOLERANCE = {"float32": (3e-3, 2e-4), "float64": (1e-5, 1e-6)}  # relative, absolute
# Steps after which the models' weights must agree.
LEFT_OUT = (
    "module",
    "keras_history",
    "mask",
    "training",
    "registered_name",
    "build_config",
)  # of configs: empty entries, backends
COMPARED_AFTER = ("model.load_weights", "model.train", "model.set_state", "h =", "spread", "r =", "e =")
HUGE = 1e4  # beyond it training runs away, and rounding errors with it


@dataclasses.dataclass
class Difference:
    """The step where the libraries part, what each gave, and whether it is about numbers alone."""

    at: int
    step: object
    what: str
    ours: object
    theirs: object
    numbers: bool = False

    def kind(self) -> str:
        return f"{self.step.source().split('(')[0]}: {self.what}"


class Diverged(Exception):
    """Numbers too large to be compared."""


@contextlib.contextmanager
def quiet():
    with (
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield


def namespace(keras, here, there):
    return {
        "keras": keras,
        "np": np,
        "here": here,
        "there": there,
        **{k: getattr(helpers, k) for k in ("batches", "dataset", "spread", "subclassed")},
    }


def execute(step, names):
    """The exception of a step, or None."""
    try:
        exec(compile(step.source(), "<program>", "exec"), names)
    except Exception as error:  # any exception is an answer
        return error
    return None


def plain(value):
    """What a program sees of a value: numbers as arrays, models as their weights."""
    if hasattr(value, "history") and hasattr(value, "epoch"):
        return {"epoch": list(value.epoch), **value.history}
    if hasattr(value, "get_weights") and hasattr(value, "layers"):
        return {"weights": value.get_weights(), "trainable": len(value.trainable_weights)}
    return value


def compare(ours, theirs, tolerance, path=""):
    """(what, ours, theirs, numbers) of the first difference, or None."""
    ours, theirs = plain(ours), plain(theirs)
    if isinstance(ours, str) and isinstance(theirs, str) and theirs.startswith('{"module"'):
        return compare(json.loads(ours), json.loads(theirs), tolerance, path)
    if isinstance(theirs, dict) and isinstance(ours, dict):
        ours, theirs = ({k: v for k, v in d.items() if k not in LEFT_OUT} for d in (ours, theirs))
        if set(ours) != set(theirs):
            return (
                f"keys of {path or 'the result'}",
                sorted(set(ours) - set(theirs), key=str),
                sorted(set(theirs) - set(ours), key=str),
                False,
            )
        return first(compare(ours[k], theirs[k], tolerance, f"{path}[{k!r}]") for k in theirs)
    if isinstance(theirs, (list, tuple)) and isinstance(ours, (list, tuple)):
        if len(ours) != len(theirs):
            return f"length of {path or 'the result'}", len(ours), len(theirs), False
        return first(compare(a, b, tolerance, f"{path}[{i}]") for i, (a, b) in enumerate(zip(ours, theirs)))
    if is_number(theirs) and is_number(ours):
        return compare_numbers(np.asarray(ours), np.asarray(theirs), tolerance, path)
    if not isinstance(theirs, (str, bool, type(None), dict, list, tuple)) and not is_number(theirs):
        return None  # layers, tensors and other objects of the libraries
    if type(ours) is not type(theirs) or ours != theirs:
        return f"value {path}", ours, theirs, False
    return None


def is_number(x):
    return isinstance(x, (np.ndarray, np.generic, int, float)) and not isinstance(x, bool)


def first(found):
    return next((f for f in found if f is not None), None)


def compare_numbers(ours, theirs, tolerance, path):
    if ours.shape != theirs.shape:
        return f"shape of {path or 'the result'}", ours.shape, theirs.shape, False
    if "f" in ours.dtype.kind + theirs.dtype.kind and (
        not np.all(np.isfinite(theirs)) or np.max(np.abs(theirs), initial=0) > HUGE
    ):
        if np.array_equal(np.isfinite(ours), np.isfinite(theirs)):
            raise Diverged
        return f"finite values of {path}", ours, theirs, True
    if not np.allclose(ours, theirs, *tolerance, equal_nan=True):
        return f"numbers {path}", ours, theirs, True
    return None


def run(program, ours, theirs, floatx="float32"):
    """The first Difference of a program, or None; and how many steps were run."""
    known_rules = known.Rules(program)
    with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b, quiet():
        for keras in (ours, theirs):
            keras.backend.clear_session(free_memory=False)
            keras.config.set_floatx(floatx)
        mine, other = namespace(ours, a, b), namespace(theirs, b, a)
        for at, step in enumerate(program):
            errors = execute(step, mine), execute(step, other)
            if any(errors):
                if all(errors) or known_rules.excuses(step, *errors):
                    return None, at
                return Difference(at, step, "raises" if errors[0] else "raises in Keras only", errors[0], errors[1]), at
            try:
                found = observe(step, mine, other, TOLERANCE[floatx])
            except Diverged:
                return None, at
            if found and not known_rules.excuses_value(step, found):
                return Difference(at, step, *found), at
            if found:
                return None, at
        return files(a, b, program), len(program)


def observe(step, mine, other, tolerance):
    compared = step.target in other and (
        step.target not in ("model", "inner") or "load_model" in step.source()
    )  # a new model's weights are random
    found = compare(mine.get(step.target), other.get(step.target), tolerance) if compared else None
    if found is None and "model" in other and step.source().startswith(COMPARED_AFTER):
        found = compare(mine["model"], other["model"], tolerance, "weights after the step")
    return found


def files(a, b, program):
    """The names of the files that both wrote."""
    names = [sorted(os.listdir(folder)) for folder in (a, b)]
    return Difference(len(program) - 1, program[-1], "files written", *names) if names[0] != names[1] else None


def confirmed(program, ours, theirs):
    """The Difference of a program; one in numbers alone must be there in float64 too, where rounding cannot be its cause."""
    found, steps = run(program, ours, theirs)
    if found and found.numbers:
        again, _ = run(program, ours, theirs, "float64")
        found = again if again and again.numbers else None
    return found, steps
