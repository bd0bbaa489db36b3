"""Forward-mode derivatives from reverse-mode ones."""

from __future__ import annotations

from kerasgpu.engine import nest, tape
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import MetaTensor, convert_to_tensor
from kerasgpu.ops.numpy import creation

__all__ = ["jvp"]


@symbolic
def jvp(fun, primals, tangents, has_aux=False):
    """fun(*primals) and its derivative in the direction `tangents`.

    The product J v is the derivative of the linear map u -> u' J with respect to u: two reverse passes.

    Args:
        fun: function of tensors that returns tensors.
        primals: list of arguments.
        tangents: list of the same structure and shapes.
        has_aux: whether fun returns (outputs, aux).

    Returns (outputs, derivatives), or (outputs, derivatives, aux).

    >>> import kerasgpu as keras
    >>> y, dy = keras.ops.jvp(lambda x: x * x, (keras.ops.convert_to_tensor(3.0),), (keras.ops.convert_to_tensor(2.0),))
    >>> float(y), float(dy)
    (9.0, 12.0)
    """
    flat = [convert_to_tensor(x) for x in nest.flatten(list(primals))]
    directions = [convert_to_tensor(v) for v in nest.flatten(list(tangents))]
    if [x.shape for x in flat] != [v.shape for v in directions]:
        raise ValueError(f"jvp: primals have shapes {[x.shape for x in flat]}, tangents {[v.shape for v in directions]}")
    if any(isinstance(x, MetaTensor) for x in flat):
        out, aux = _split(fun(*nest.pack_sequence_as(list(primals), flat)), has_aux)
        same = nest.map_structure(lambda x: MetaTensor(x.shape, x.dtype), out)
        return (out, same, aux) if has_aux else (out, same)
    with tape.enable_grad():
        sources = []
        for x in flat:
            x = x.detach()
            x._requires = "float" in x.dtype
            sources.append(x)
        out, aux = _split(fun(*nest.pack_sequence_as(list(primals), sources)), has_aux)
        results = [convert_to_tensor(y) for y in nest.flatten(out)]
        seeds = []
        for y in results:
            seed = creation.zeros_like(y)
            seed._requires = "float" in y.dtype
            seeds.append(seed)
        backward = tape.gradients(results, sources, seeds, create_graph=True)
        pairs = [(g, v) for g, v in zip(backward, directions) if g is not None]
        forward = tape.gradients([g for g, _ in pairs], seeds, [v for _, v in pairs], unconnected="zero")
    packed = nest.pack_sequence_as(out, [y.detach() for y in results]), nest.pack_sequence_as(out, forward)
    return (*packed, aux) if has_aux else packed


def _split(result, has_aux):
    return result if has_aux else (result, None)
