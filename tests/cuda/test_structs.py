"""The parameter structs of CUDA kernels are read from their sources: fields are set by name, and a wrong name is an error."""

import struct

import pytest

from kerasgpu.kernels.gpu.driver import structs
from kerasgpu.kernels.gpu.driver.launch import IN, OUT, SCRATCH, Launch
from kerasgpu.kernels.gpu.driver.structs import Input, Output, Scratch

CAST = {"x": Input(0, 8), "y": Output(0), "n": 5, "dtype": 11}


def cast(params):
    return Launch("elementwise_cast.cu", "cast", {"FROM": "float"}, 1, 256, params)


def test_fields_go_where_the_struct_has_them():
    made = cast(dict(reversed(CAST.items())))  # in whatever order they are given
    assert struct.unpack("<QQqi4x", made.params) == (0, 0, 5, 11)
    assert made.pointers == ((0, IN, 0, 8), (8, OUT, 0, 0))
    assert struct.unpack("<QQqi4x", bytes(made.fill([100], [200], 0))) == (108, 200, 5, 11)


@pytest.mark.parametrize(
    "change,message",
    [
        ({"n": ...}, r"elementwise_cast.cu: cast: the struct lacks a value for \['n'\]"),
        ({"count": 5}, r"has no field \['count'\]"),
        ({"x": 5}, r"cast.x: is an address, not 5"),
    ],
)
def test_wrong_fields_are_errors(change, message):
    params = {name: value for name, value in {**CAST, **change}.items() if value is not ...}
    with pytest.raises(TypeError, match=message):
        cast(params)


def test_lists_need_the_length_of_the_array():
    params = {"indices": Input(0), "flat": Output(0), "count": 3, "dims": [1] * 15, "ndim": 2}
    with pytest.raises(TypeError, match="dims: needs a list of 16"):
        Launch("gather.cu", "ravel_indices", {"I": "int32_t", "PART": 1}, 1, 256, params)


def test_macros_choose_what_a_struct_holds():
    names = lambda **defines: [f.name for f in structs.layout("split_sums.cu", "split_sums", tuple(defines.items())).fields]
    assert names() == ["partial", "out", "count", "splits"]
    assert names(KG_SUMS="1") == ["partial", "out", "count", "splits", "sums"]
    rows = structs.layout("depthwise.cu", "depthwise", (("KG_INDEX", "int64_t"),)).fields
    assert {f.name: f.code for f in rows}["rows"] == "q"
    assert [f.dims for f in next(f for f in rows if f.name == "w").fields] == [(3,)] * 6


def test_structs_in_a_struct_are_aligned():
    sums = {"x": Input(1), "y": None, "partial": Scratch(256), "n": 1, "inner": 2, "chunk": 3, "width": 4, "blocks": 5}
    params = {"partial": Scratch(), "out": Output(0), "count": 6, "splits": 7, "sums": sums}
    made = Launch("split_sums.cu", "split_sums", {"T": "float", "S": "float", "SUMS": 1}, 1, 256, params)
    assert struct.unpack("<QQqqQQQqqqii", made.params)[2:] == (6, 7, 0, 0, 0, 1, 2, 3, 4, 5)
    assert made.pointers == ((0, SCRATCH, 0, 0), (8, OUT, 0, 0), (32, IN, 1, 0), (48, SCRATCH, 0, 256))


def test_an_entry_that_is_not_there_is_an_error():
    with pytest.raises(TypeError, match="there is no KG_KERNEL"):
        Launch("elementwise_cast.cu", "paste", {"FROM": "float"}, 1, 256, CAST)
