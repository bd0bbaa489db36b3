"""CASES: name in keras.ops (or module.name of a primitive) -> cases. Those of the files cases_*.py here are added."""

from __future__ import annotations

import importlib
import math
from pathlib import Path

import numpy as np
from case import Case, binary, draw, integers, reduction, unary

_erf = np.vectorize(math.erf, otypes=[float])
KINK = {"smooth": False}
FIXED = {"differentiable": False}

CASES: dict[str, list[Case]] = {
    # arithmetic
    "add": binary(np.add),
    "subtract": binary(np.subtract),
    "multiply": binary(np.multiply),
    "divide": binary(np.divide, 0.5, 3.0),
    "true_divide": binary(np.true_divide, 0.5, 3.0),
    "divide_no_nan": [
        Case(
            (draw((3, 4)), np.array([0, 1, -2, 3])),
            lambda a, b: np.where(b == 0, 0, a / np.where(b == 0, 1, b)),
            **KINK,
        )
    ],
    "floor_divide": binary(np.floor_divide, 0.6, 5.0, **FIXED),
    "mod": binary(np.mod, 0.6, 5.0, **KINK),
    "fmod": binary(np.fmod, 0.6, 5.0, **KINK),
    "power": binary(np.power, 0.3, 2.0) + [Case((draw((3, 4)), n), np.power) for n in (2, 3, -1, 0)],
    "maximum": binary(np.maximum, **KINK),
    "minimum": binary(np.minimum, **KINK),
    "fmax": binary(np.fmax, **KINK),
    "fmin": binary(np.fmin, **KINK),
    "negative": unary(np.negative),
    "absolute": unary(np.absolute, **KINK),
    "abs": unary(np.abs, **KINK),
    "fabs": unary(np.fabs, **KINK),
    "sign": unary(np.sign, **FIXED),
    "square": unary(np.square),
    "reciprocal": unary(np.reciprocal, 0.5, 3.0),
    "hypot": binary(np.hypot),
    "heaviside": [Case((draw((3, 4)), draw((4,))), np.heaviside, **FIXED)],
    "ldexp": [Case((draw((3, 4)), integers((4,), -3, 4)), np.ldexp)],
    "nextafter": [Case((draw((3, 4)), draw((4,))), np.nextafter, differentiable=False)],
    "clip": [
        Case((draw((3, 4)), -0.75, 1.25), np.clip, **KINK),
        Case((draw((3, 4)), draw((4,), -1.5, -0.5), 0.75), np.clip, **KINK),
        Case((draw((0,)), -1, 1), np.clip, **KINK),
    ],
    # exponentials
    "exp": unary(np.exp),
    "exp2": unary(np.exp2),
    "expm1": unary(np.expm1),
    "log": unary(np.log, 0.1, 4.0),
    "log1p": unary(np.log1p, -0.9, 4.0),
    "log2": unary(np.log2, 0.1, 4.0),
    "log10": unary(np.log10, 0.1, 4.0),
    "sqrt": unary(np.sqrt, 0.1, 4.0),
    "cbrt": unary(np.cbrt, 0.1, 4.0),
    "logaddexp": binary(np.logaddexp),
    "logaddexp2": binary(np.logaddexp2),
    # trigonometry
    "sin": unary(np.sin, -9.0, 9.0),
    "cos": unary(np.cos, -9.0, 9.0),
    "tan": unary(np.tan, -1.2, 1.2),
    "arcsin": unary(np.arcsin, -0.9, 0.9),
    "arccos": unary(np.arccos, -0.9, 0.9),
    "arctan": unary(np.arctan),
    "sinh": unary(np.sinh),
    "cosh": unary(np.cosh),
    "tanh": unary(np.tanh),
    "arcsinh": unary(np.arcsinh),
    "arccosh": unary(np.arccosh, 1.2, 4.0),
    "arctanh": unary(np.arctanh, -0.9, 0.9),
    "arctan2": binary(np.arctan2, 0.2, 2.0),
    "deg2rad": unary(np.deg2rad),
    "rad2deg": unary(np.rad2deg),
    "sinc": unary(np.sinc),
    "i0": unary(np.i0),
    "angle": [*unary(np.angle, **FIXED), Case((draw((3,)) + 1j * draw((3,), seed=1),), np.angle, **FIXED)],
    "elementwise.squared_difference": binary(lambda a, b: (a - b) ** 2, numbers=False),
    "elementwise.copysign": binary(np.copysign, numbers=False, smooth=False),
    # rounding
    "floor": unary(np.floor, **FIXED),
    "ceil": unary(np.ceil, **FIXED),
    "trunc": unary(np.trunc, **FIXED),
    "round": unary(np.round, **FIXED) + [Case((draw((3, 4)), 1), np.round, **FIXED)],
    "nan_to_num": [Case((np.array([1.5, np.nan, np.inf, -np.inf]),), np.nan_to_num, {"posinf": 9.0, "neginf": -9.0}, **FIXED)],
    # reductions
    "sum": reduction(np.sum),
    "mean": reduction(np.mean, empty=False),
    "prod": reduction(np.prod) + [Case((np.array([[0.0, 1.5, 2.0], [0.0, 0.0, 3.0]]),), np.prod, {"axis": 1})],
    "max": reduction(np.max, empty=False, **KINK),
    "min": reduction(np.min, empty=False, **KINK),
    "amax": reduction(np.amax, empty=False, **KINK),
    "amin": reduction(np.amin, empty=False, **KINK),
    "ptp": reduction(np.ptp, empty=False, **KINK),
    "any": reduction(np.any, **FIXED),
    "all": reduction(np.all, **FIXED),
    "count_nonzero": [Case((integers((3, 5), 0, 3),), np.count_nonzero, {"axis": 0}, **FIXED)],
    "argmax": [Case((draw((3, 17)),), np.argmax, {"axis": k}, **FIXED) for k in (0, 1, None)],
    "argmin": [Case((draw((3, 17)),), np.argmin, {"axis": k}, **FIXED) for k in (0, -1, None)],
    "cumsum": [Case((draw((3, 5)),), np.cumsum, {"axis": k}) for k in (0, -1, None)]
    + [Case((draw((0, 3)),), np.cumsum, {"axis": 0})],
    "cumprod": [Case((draw((3, 5)),), np.cumprod, {"axis": k}) for k in (0, -1, None)]
    + [Case((np.array([1.5, 0.0, 2.0, 0.0, 3.0]),), np.cumprod)],
    "var": reduction(np.var, empty=False),
    "std": reduction(np.std, empty=False)[:4],
    "average": [Case((draw((3, 4)), 1, draw((4,), 0.5, 2.0)), np.average), Case((draw((3, 4)),), np.average)],
    "median": [Case((draw((3, 5)),), np.median, {"axis": k}, **KINK) for k in (0, 1, None)],
    "quantile": [Case((draw((3, 5)), q), np.quantile, {"axis": 1}, **KINK) for q in (0.5, 0.3)]
    + [
        Case((draw((3, 5)), [0.1, 0.9]), np.quantile, {"axis": 0, "method": m}, **KINK) for m in ("lower", "higher", "midpoint")
    ],
    "percentile": [Case((draw((3, 5)), 30.0), np.percentile, {"axis": 1, "keepdims": True}, **KINK)],
    "corrcoef": [Case((draw((3, 8)),), np.corrcoef, tolerance=10)],
    # shape
    "reshape": [Case((draw((3, 4)), (2, -1)), np.reshape), Case((draw((0, 3)), (3, 0)), np.reshape)],
    "ravel": [Case((draw((3, 4)),), np.ravel)],
    "expand_dims": [Case((draw((3, 4)), k), np.expand_dims) for k in (0, -1, (0, 2))],
    "squeeze": [Case((draw((3, 1, 4)),), np.squeeze), Case((draw((3, 1, 4)), 1), np.squeeze)],
    "transpose": [Case((draw((2, 3, 4)), a), np.transpose) for a in (None, (0, 2, 1), (2, 0, 1), (1, 0, 2))]
    + [Case((draw((0, 3)),), np.transpose), Case((draw((1, 5)),), np.transpose)],
    "swapaxes": [Case((draw((2, 3, 4)), 0, -1), np.swapaxes)],
    "moveaxis": [Case((draw((2, 3, 4)), 0, -1), np.moveaxis), Case((draw((2, 3, 4)), [0, 1], [-1, 0]), np.moveaxis)],
    "broadcast_to": [Case((draw((3, 1)), (2, 3, 4)), np.broadcast_to), Case((draw(()), (0, 2)), np.broadcast_to)],
    "flip": [Case((draw((3, 4)), k), np.flip) for k in (None, 0, (0, 1))],
    "fliplr": [Case((draw((3, 4)),), np.fliplr)],
    "flipud": [Case((draw((3, 4)),), np.flipud)],
    "rot90": [Case((draw((3, 4)), k), np.rot90) for k in (0, 1, 2, 3, -1)],
    "roll": [Case((draw((3, 4)), 2), np.roll), Case((draw((3, 4)), (1, -1), (0, 1)), np.roll)],
    "tile": [Case((draw((3, 4)), r), np.tile) for r in (2, (2, 1, 3))],
    "repeat": [
        Case((draw((3, 4)), 2, 1), np.repeat),
        Case((draw((3, 4)), [0, 2, 1], 0), np.repeat),
        Case((draw((3,)), 3), np.repeat),
    ],
    "pad": [
        Case((draw((3, 4)), ((1, 2), (0, 1))), np.pad, {"mode": m})
        for m in ("constant", "reflect", "symmetric", "edge", "wrap")
    ],
    "copy": [Case((draw((3, 4)),), np.copy)],
    "concatenate": [
        Case(([draw((3, 2)), draw((3, 4))], 1), np.concatenate),
        Case(([draw((0, 2)), draw((3, 2)), draw((1, 2))], 0), np.concatenate),
    ],
    "stack": [Case(([draw((3, 2)), draw((3, 2), seed=1)], k), np.stack) for k in (0, 1, -1)],
    "append": [Case((draw((3,)), draw((2,))), np.append)],
    "vstack": [Case(([draw((3,)), draw((3,), seed=1)],), np.vstack)],
    "hstack": [Case(([draw((3, 2)), draw((3, 1))],), np.hstack)],
    "dstack": [Case(([draw((3, 2)), draw((3, 2), seed=1)],), np.dstack)],
    "diagonal": [Case((draw((3, 4)), k), np.diagonal) for k in (0, 2, -1, 9)] + [Case((draw((2, 3, 4)), 1, 1, 2), np.diagonal)],
    "diag": [Case((draw((3,)), k), np.diag) for k in (0, 2, -1)] + [Case((draw((3, 4)), 1), np.diag)],
    "diagflat": [Case((draw((2, 2)),), np.diagflat)],
    "trace": [Case((draw((3, 4)), 1), np.trace)],
    "tril": [Case((draw((2, 3, 4)), k), np.tril) for k in (0, 1, -1)],
    "triu": [Case((draw((2, 3, 4)), k), np.triu) for k in (0, 1, -1)],
    "vander": [Case((draw((4,)), 3), np.vander), Case((draw((3,)),), np.vander, {"increasing": True})],
    # indexing
    "take": [
        Case((draw((5, 3)), integers((2, 4), -5, 5), 0), np.take),
        Case((draw((2, 5, 3)), integers((4,), 0, 5), 1), np.take),
        Case((draw((5, 3)), integers((4,), 0, 15)), np.take),
        Case((draw((5, 3)), integers((0,), 0, 5), 0), np.take),
    ],
    "take_along_axis": [
        Case((draw((3, 5)), integers((3, 2), 0, 5), 1), np.take_along_axis),
        Case((draw((3, 5)), integers((2, 5), -3, 3), 0), np.take_along_axis),
    ],
    "where": [
        Case((integers((3, 4), 0, 2, "bool"), draw((3, 4)), draw((4,))), np.where),
        Case((integers((4,), 0, 2, "bool"), draw((3, 4)), 1.5), np.where),
        Case((integers((3, 1), 0, 2, "bool"), 0.5, draw((4,))), np.where),
    ],
    "get_item": [
        Case((draw((4, 5, 6)), key), lambda x, k: x[k])
        for key in (
            1,
            slice(1, 4, 2),
            (slice(None), slice(None, None, -2)),
            (Ellipsis, 0, None),
            (0, slice(3, 1), 2),
            np.array([[0, 3], [1, -1]]),
            (slice(None), np.array([0, 2, 2])),
            (np.array([0, 1]), slice(None), np.array([[2], [3]])),
            (slice(1, 3), np.array([0, 1]), np.array([4, 4])),
            (0, np.array([0, 1])),
        )
    ],
    # sorting
    "sort": [Case((draw((3, 17)),), np.sort, {"axis": k}, **KINK) for k in (-1, 0)],
    "argsort": [Case((draw((3, 17)),), np.argsort, {"axis": k}, **FIXED) for k in (-1, 0)],
    "searchsorted": [
        Case((np.sort(draw((9,))), draw((3, 4))), np.searchsorted, {"side": s}, **FIXED) for s in ("left", "right")
    ],
    "digitize": [Case((draw((3, 4)), np.array([-1.0, 0.1, 1.2])), np.digitize, **FIXED)],
    # products
    "matmul": [
        Case((draw((3, 4)), draw((4, 5))), np.matmul),
        Case((draw((2, 3, 4)), draw((4, 5))), np.matmul),
        Case((draw((2, 1, 3, 4)), draw((5, 4, 2))), np.matmul),
        Case((draw((4,)), draw((4, 2))), np.matmul),
        Case((draw((3, 4)), draw((4,))), np.matmul),
        Case((draw((0, 4)), draw((4, 2))), np.matmul),
    ],
    "tensordot": [
        Case((draw((3, 4, 5)), draw((4, 5, 2))), np.tensordot),
        Case((draw((3, 4)), draw((5, 3)), [[0], [1]]), np.tensordot),
        Case((draw((3,)), draw((2,)), 0), np.tensordot),
    ],
    "dot": [Case((draw((3, 4)), draw((2, 4, 5))), np.dot), Case((draw((4,)), draw((4,), seed=1)), np.dot)],
    "inner": [Case((draw((3, 4)), draw((2, 4))), np.inner)],
    "vdot": [Case((draw((3, 4)), draw((3, 4), seed=1)), np.vdot)],
    "outer": [Case((draw((3,)), draw((2, 2))), np.outer)],
    "kron": [Case((draw((2, 3)), draw((3, 2))), np.kron), Case((draw((2,)), draw((3, 2))), np.kron)],
    "cross": [
        Case((draw((4, 3)), draw((4, 3), seed=1)), np.cross),
        Case((draw((3, 4)), draw((3, 4), seed=1)), np.cross, {"axis": 0}),
    ],
    "diff": [Case((draw((3, 5)),), np.diff, {"n": n, "axis": k}) for n, k in ((1, -1), (2, 0))],
    "trapezoid": [
        Case((draw((3, 5)),), getattr(np, "trapezoid", None) or np.trapz, {"dx": 0.5}),
        Case((draw((3, 5)), np.array([0.0, 0.3, 0.7, 1.1, 2.0])), getattr(np, "trapezoid", None) or np.trapz),
    ],
    "correlate": [Case((draw((7,)), draw((3,))), np.correlate, {"mode": m}) for m in ("valid", "same", "full")]
    + [Case((draw((3,)), draw((7,))), np.correlate, {"mode": m}) for m in ("valid", "full")],
    "einsum": [
        Case((text, *(draw(s, seed=k) for k, s in enumerate(shapes))), np.einsum)
        for text, shapes in (
            ("ij,jk->ik", ((3, 4), (4, 5))),
            ("bij,bkj->bik", ((2, 3, 4), (2, 5, 4))),
            ("ij,kl->", ((2, 3), (4, 5))),
            ("ii->i", ((3, 3),)),
            ("ij->ji", ((3, 4),)),
            ("...ij,...jk->...ik", ((2, 1, 3, 4), (5, 4, 2))),
            ("i,i,i->i", ((4,), (4,), (4,))),
            ("ab,bc,cd->ad", ((2, 3), (3, 4), (4, 2))),
            ("abc,cd->abd", ((2, 3, 4), (4, 5))),
            ("bqhd,bkhd->bhqk", ((2, 3, 2, 4), (2, 5, 2, 4))),
            ("ij,ij->j", ((3, 4), (3, 4))),
            ("ji,k", ((2, 3), (4,))),
        )
    ],
    # what is not a number
    "nansum": [Case((np.array([[1.5, np.nan], [0.3, 2.1]]),), np.nansum, {"axis": 0})],
    "nanprod": [Case((np.array([[1.5, np.nan], [0.3, 2.1]]),), np.nanprod, {"axis": 0})],
    "nanmean": [Case((np.array([[1.5, np.nan], [0.3, 2.1]]),), np.nanmean, {"axis": 0})],
    "nanvar": [Case((np.array([[1.5, np.nan, 0.2], [0.3, 2.1, 0.9]]),), np.nanvar, {"axis": 1})],
    "nanstd": [Case((np.array([[1.5, np.nan, 0.2], [0.3, 2.1, 0.9]]),), np.nanstd, {"axis": 1})],
    "nanmax": [Case((np.array([[1.5, np.nan], [0.3, 2.1]]),), np.nanmax, {"axis": 0}, **KINK)],
    "nanmin": [Case((np.array([[1.5, np.nan], [0.3, 2.1]]),), np.nanmin, {"axis": 0}, **KINK)],
    "nanargmax": [Case((np.array([[1.5, np.nan], [0.3, 2.1]]),), np.nanargmax, {"axis": 0}, **FIXED)],
    "nanargmin": [Case((np.array([[1.5, np.nan], [0.3, 2.1]]),), np.nanargmin, {"axis": 0}, **FIXED)],
    "nancumsum": [Case((np.array([[1.5, np.nan], [0.3, 2.1]]),), np.nancumsum, {"axis": 1})],
    "nancumprod": [Case((np.array([[1.5, np.nan], [0.3, 2.1]]),), np.nancumprod, {"axis": 1})],
    "nanmedian": [Case((np.array([[1.5, np.nan, 0.2], [0.3, 2.1, 0.9]]),), np.nanmedian, {"axis": 1}, **KINK)],
    "nanquantile": [Case((np.array([[1.5, np.nan, 0.2], [0.3, 2.1, 0.9]]), 0.3), np.nanquantile, {"axis": 1}, **KINK)],
    "nanpercentile": [Case((np.array([[1.5, np.nan, 0.2], [0.3, 2.1, 0.9]]), 30.0), np.nanpercentile, {"axis": 1}, **KINK)],
    # tests, logic, bits
    **{n: binary(getattr(np, n), **FIXED) for n in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")},
    **{
        n: [Case((integers((3, 4), 0, 2, "bool"), integers((4,), 0, 2, "bool")), getattr(np, n), **FIXED)]
        for n in ("logical_and", "logical_or", "logical_xor")
    },
    "logical_not": [Case((integers((3, 4), 0, 2, "bool"),), np.logical_not, **FIXED)],
    **{
        n: [Case((np.array([1.0, -0.0, np.nan, np.inf, -np.inf]),), getattr(np, n), **FIXED)]
        for n in ("isnan", "isinf", "isfinite", "isposinf", "isneginf", "signbit", "isreal")
    },
    "isclose": [Case((np.array([1.0, 2.0, np.inf]), np.array([1.0 + 1e-9, 2.1, np.inf])), np.isclose, **FIXED)],
    "isin": [Case((integers((3, 4), 0, 9), integers((3,), 0, 9)), np.isin, **FIXED)],
    **{
        n: [Case((integers((3, 4), 0, 99), integers((4,), 0, 6)), getattr(np, n), **FIXED)]
        for n in ("bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift", "gcd", "lcm")
    },
    "bitwise_invert": [Case((integers((3, 4), -9, 99),), np.invert, **FIXED)],
    "bincount": [Case((integers((9,), 0, 5),), np.bincount, {"minlength": 7}, **FIXED)],
    "conjugate": [Case((draw((3,)) + 1j * draw((3,), seed=1),), np.conjugate, **FIXED)],
    "real": [Case((draw((3,)) + 1j * draw((3,), seed=1),), np.real, **FIXED)],
    "imag": [Case((draw((3,)) + 1j * draw((3,), seed=1),), np.imag, **FIXED)],
    "view": [Case((integers((2, 4), 0, 99), "int16"), lambda x, d: x.view(d), **FIXED)],
}

for _file in sorted(Path(__file__).parent.glob("cases_*.py")):
    CASES.update(importlib.import_module(_file.stem).CASES)
