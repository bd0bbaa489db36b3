"""SeedGenerator: a variable [seed, counter] from which each random operation takes a fresh state.

Philox (Salmon et al. 2011) needs nothing else: the seed is its key, the counter numbers the draws, and the position of an
element numbers the element. The state is advanced by a kernel, so a recorded step advances it each time that it is replayed.
"""

from __future__ import annotations

import random as python_random

from kerasgpu.engine import naming, state
from kerasgpu.engine.tensor import MetaTensor, Tensor, convert_to_tensor
from kerasgpu.engine.variable import Variable
from kerasgpu.kernels import launch
from kerasgpu.kernels.random import advance_seed

__all__ = ["SeedGenerator", "draw_seed", "global_seed_generator", "make_default_seed", "set_global_seed"]

_GLOBAL = "global_seed_generator"


class SeedGenerator:
    """A source of seeds for random operations: each use gives new numbers.

    Args:
        seed: int; None draws one from Python's `random`.
        name: name of the generator and of the scope of its variable.

    `state` is a uint32 variable of shape (2,); a layer that holds the generator saves it.

    >>> import kerasgpu as keras
    >>> generator = keras.random.SeedGenerator(42)
    >>> a, b = keras.random.normal((2,), seed=generator), keras.random.normal((2,), seed=generator)
    >>> bool((a == b).numpy().any())
    False
    """

    def __init__(self, seed=None, name=None, **kwargs):
        kwargs.pop("backend", None)
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments: {kwargs}")
        self.name = naming.auto_name("SeedGenerator") if name is None else name
        self._initial_seed = seed
        if seed is None:
            seed = make_default_seed()
        if not isinstance(seed, int):
            raise ValueError(f"Argument `seed` must be an integer. Received: seed={seed}")
        value = _seed_state(seed)
        with naming.name_scope(self.name, caller=self):
            self.state = Variable(
                lambda shape, dtype: value,
                shape=(2,),
                dtype="uint32",
                trainable=False,
                aggregation="none",
                name="seed_generator_state",
            )

    def next(self, ordered=True):
        """The current state, as a tensor; the generator moves on.

        Ordered states count up. Unordered ones jump about, so that two generators with near seeds do not walk the same path.
        """
        if state.thread.shape_only or isinstance(self.state._tensor, MetaTensor):
            return MetaTensor((2,), "uint32")
        if state.thread.draws is not None:
            return state.thread.draws.next(int(self._initial_seed or 0))
        if state.thread.stateless_scope is not None:
            before = self.state.value
            after = launch.empty((2,), "uint32", like=before._data)
            launch.launch("copy", (before._data,), (after,))
            self.state.assign(Tensor(advance_seed(after, None, ordered)))
            return before
        buffer = self.state.writable()
        before = launch.empty((2,), "uint32", like=buffer)
        advance_seed(buffer, before, ordered)
        return Tensor(before)

    def save_own_variables(self, store):
        store["0"] = self.state

    def load_own_variables(self, store):
        """Go on where the saved generator stopped. Files of real Keras do not hold the state; it stays as it is then."""
        if len(store.keys()):
            self.state.assign(store["0"])

    def get_config(self):
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def _seed_state(seed):
    return convert_to_tensor([seed & 0xFFFFFFFF, 0], "uint32")


def make_default_seed() -> int:
    """A seed from Python's random module, which `keras.utils.set_random_seed` seeds."""
    return python_random.randint(1, int(1e9))


def global_seed_generator() -> SeedGenerator:
    """The generator that random operations without a seed use."""
    found = state.get_global_attribute(_GLOBAL)
    if found is None:
        found = SeedGenerator()
        state.set_global_attribute(_GLOBAL, found)
    return found


def set_global_seed(seed: int) -> None:
    """Start the global generator anew from `seed`."""
    state.set_global_attribute(_GLOBAL, SeedGenerator(seed))


def draw_seed(seed):
    """The state tensor for one draw: from an int, a SeedGenerator, or None (the global generator)."""
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if isinstance(seed, int):
        return MetaTensor((2,), "uint32") if state.thread.shape_only else _seed_state(seed)
    if seed is None:
        if state.thread.shape_only:
            return MetaTensor((2,), "uint32")
        if state.thread.draws is not None:
            return state.thread.draws.next(0)
        return global_seed_generator().next(ordered=False)
    if isinstance(seed, Tensor) and seed.shape == (2,):
        return seed
    raise ValueError(
        f"Argument `seed` must be either an integer or an instance of `SeedGenerator`. Received: seed={seed} (of type "
        f"{type(seed)})"
    )
