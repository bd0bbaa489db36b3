"""The part of Model that reads and writes all its state by variable paths."""

from __future__ import annotations


class ModelState:
    """Mixin: see Model."""

    def _get_variable_map(self):
        """{path: variable} of the whole model. Raises ValueError when a path repeats."""
        found = {}
        for v in self.variables:
            if v.path in found:
                raise ValueError(
                    f"The model contains two variables with a duplicate path: path='{v.path}' appears at least twice. This "
                    f"path is used for {v} and for {found[v.path]}. In order to get a variable map, make sure to use unique "
                    "paths/names for each variable."
                )
            found[v.path] = v
        return found

    def _variables_to_move(self):
        optimizer = getattr(self, "optimizer", None)
        return [*self.variables, *self.metrics_variables, *(optimizer.variables if optimizer is not None else ())]

    def get_state_tree(self, value_format="backend_tensor"):
        """All state as nested dicts by variable path, in four groups.

        Args:
            value_format: "backend_tensor" or "numpy_array", the type of the leaves.

        Returns a dict with "trainable_variables", "non_trainable_variables", "optimizer_variables" and "metrics_variables".
        """
        optimizer = getattr(self, "optimizer", None)
        groups = {
            "trainable_variables": self.trainable_variables,
            "non_trainable_variables": self.non_trainable_variables,
            "optimizer_variables": optimizer.variables if optimizer is not None else [],
            "metrics_variables": self.metrics_variables,
        }
        return {name: _nested(variables, value_format) for name, variables in groups.items()}

    def set_state_tree(self, state_tree):
        """Assign the values of a (part of a) state tree to the variables with those paths."""
        for group, tree in state_tree.items():
            values = _flat(tree)
            if group in ("trainable_variables", "non_trainable_variables", "metrics_variables"):
                variables = getattr(self, group)
            elif group == "optimizer_variables":
                optimizer = getattr(self, "optimizer", None)
                variables = optimizer.variables if optimizer is not None else []
            else:
                raise ValueError(f"Unknown variable name: {group}")
            for v in variables:
                if v.path in values:
                    v.assign(values[v.path])


def _nested(variables, value_format):
    if value_format not in ("backend_tensor", "numpy_array"):
        raise ValueError(
            "Invalid `value_format` argument. Expected one of {'numpy_array', 'backend_tensor'}. Received: "
            f"value_format={value_format}"
        )
    tree: dict = {}
    seen = set()
    for v in variables:
        if v.path in seen:
            raise ValueError(
                f"The following variable path is found twice in the model: '{v.path}'. `get_state_tree()` can only be "
                "called when all variable paths are unique. Make sure to give unique names to your layers (and other "
                "objects)."
            )
        seen.add(v.path)
        *parents, name = v.path.split("/")
        level = tree
        for part in parents:
            level = level.setdefault(part, {})
        level[name] = v.value if value_format == "backend_tensor" else v.numpy()
    return tree


def _flat(tree, prefix=""):
    found = {}
    for key, value in tree.items():
        found.update(_flat(value, f"{prefix}{key}/") if isinstance(value, dict) else {f"{prefix}{key}": value})
    return found
