"""The same functions on KerasTensors: unknown dims stay unknown, and known ones are worked out."""

import pytest

from kerasgpu import ops
from kerasgpu.engine.keras_tensor import KerasTensor

N = None


def kt(*shape, dtype="float32"):
    return KerasTensor(shape, dtype)


@pytest.mark.parametrize(
    "made, shape",
    [
        (lambda: ops.add(kt(N, 3), kt(3)), (N, 3)),
        (lambda: ops.add(kt(N, 3), kt(2, N)), (2, 3)),
        (lambda: ops.add(kt(N, 1, 5), kt(N, 4, 1)), (N, 4, 5)),
        (lambda: kt(N, 3) * 2.0, (N, 3)),
        (lambda: ops.sum(kt(N, 3), axis=1), (N,)),
        (lambda: ops.mean(kt(N, 3), axis=0, keepdims=True), (1, 3)),
        (lambda: ops.reshape(kt(N, 4, 6), (-1, 24)), (N, 24)),
        (lambda: ops.reshape(kt(N, 4), (-1, 2, 2)), (N, 2, 2)),
        (lambda: ops.reshape(kt(N, 3), (3, 2)), (3, 2)),
        (lambda: ops.transpose(kt(N, 3, N)), (N, 3, N)),
        (lambda: ops.concatenate([kt(N, 3), kt(N, 4)], axis=1), (N, 7)),
        (lambda: ops.concatenate([kt(N, 3), kt(2, 3)], axis=0), (N, 3)),
        (lambda: ops.matmul(kt(N, 3, 4), kt(4, 5)), (N, 3, 5)),
        (lambda: ops.einsum("bij,bjk->bik", kt(N, 3, 4), kt(N, 4, 5)), (N, 3, 5)),
        (lambda: kt(N, 5)[:, 1:3], (N, 2)),
        (lambda: kt(N, 5)[1:], (N, 5)),
        (lambda: kt(N, 5)[:, 0], (N,)),
        (lambda: ops.where(kt(N, 3, dtype="bool"), kt(3), 0.0), (N, 3)),
        (lambda: ops.take(kt(10, 4), kt(N, 7, dtype="int32"), axis=0), (N, 7, 4)),
        (lambda: ops.pad(kt(N, 3), ((0, 0), (1, 1))), (N, 5)),
        (lambda: ops.tile(kt(N, 3), (2, 2)), (N, 6)),
        (lambda: ops.stack([kt(N, 3), kt(N, 3)], axis=1), (N, 2, 3)),
        (lambda: ops.split(kt(N, 4), 2, axis=1)[0], (N, 2)),
        (lambda: ops.argmax(kt(N, 4), axis=-1), (N,)),
        (lambda: ops.quantile(kt(N, 4), 0.5, axis=1), (N,)),
        (lambda: ops.nonzero(kt(N, 4))[1], (N,)),
        (lambda: ops.bincount(kt(N, 4, dtype="int32")), (N, N)),
        (lambda: ops.unique(kt(6)), (N,)),
        (lambda: ops.unique(kt(6), size=4), (4,)),
        (lambda: ops.ones_like(kt(N, 4)), (N, 4)),
    ],
)
def test_shape(made, shape):
    assert made().shape == shape


def test_errors_are_those_of_the_operation():
    with pytest.raises(ValueError, match="do not broadcast"):
        ops.add(kt(N, 3), kt(4))
    with pytest.raises(ValueError, match=r"inner|must equal"):
        ops.matmul(kt(N, 3), kt(4, 5))


def test_a_value_cannot_be_read():
    with pytest.raises(ValueError, match="no value"):
        float(ops.sum(kt(3)))
