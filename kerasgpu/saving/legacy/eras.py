"""Which eras a file has to pass through."""

from __future__ import annotations

from kerasgpu.saving.legacy import keras1, keras20, keras23, keras213
from kerasgpu.saving.legacy.era import Era


def eras_from(version: tuple) -> list[Era]:
    """The tables that a config of this version passes through, oldest first; none for Keras 3."""
    return [m.ERA for m in (keras1, keras20, keras23, keras213) if version < m.ERA.before]
