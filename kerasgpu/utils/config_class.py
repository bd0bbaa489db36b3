"""Config: a dictionary with attribute access."""

from __future__ import annotations

import json


class Config:
    """Named settings as attributes, with JSON in and out.

    >>> from kerasgpu.utils import Config
    >>> config = Config(learning_rate=0.1)
    >>> config.units = 8
    >>> config.as_dict()
    {'learning_rate': 0.1, 'units': 8}
    """

    def __init__(self, **kwargs):
        object.__setattr__(self, "_frozen", False)
        object.__setattr__(self, "_values", {})
        for name, value in kwargs.items():
            setattr(self, name, value)

    def as_dict(self):
        return dict(self._values)

    def to_json(self):
        return json.dumps(self._values)

    def freeze(self):
        """Refuse further changes."""
        object.__setattr__(self, "_frozen", True)

    def unfreeze(self):
        object.__setattr__(self, "_frozen", False)

    def _check(self):
        if self._frozen:
            raise ValueError("Cannot mutate attribute(s) because the config is frozen.")

    def __getattr__(self, name):
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(f"Config has no attribute {name!r}; it has {sorted(self._values)}") from None

    def __setattr__(self, name, value):
        self._check()
        self._values[name] = value

    def __delattr__(self, name):
        self._check()
        del self._values[name]

    def __getitem__(self, name):
        return self._values[name]

    def __setitem__(self, name, value):
        setattr(self, name, value)

    def __delitem__(self, name):
        self.__delattr__(name)

    def __contains__(self, name):
        return name in self._values

    def __iter__(self):
        return iter(self._values)

    def __len__(self):
        return len(self._values)

    def keys(self):
        return self._values.keys()

    def values(self):
        return self._values.values()

    def items(self):
        return self._values.items()

    def get(self, name, default=None):
        return self._values.get(name, default)

    def pop(self, name, *default):
        self._check()
        return self._values.pop(name, *default)

    def update(self, *args, **kwargs):
        self._check()
        self._values.update(*args, **kwargs)

    def clear(self):
        self._check()
        self._values.clear()

    def copy(self):
        return Config(**self._values)

    def __repr__(self):
        return f"<Config {self._values}>"
