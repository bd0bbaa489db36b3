"""`compile(metrics=..., weighted_metrics=...)`: which metric measures which output."""

from __future__ import annotations

from collections import OrderedDict

from kerasgpu import metrics as metrics_module
from kerasgpu.engine import nest
from kerasgpu.engine.naming import to_snake_case


class MetricsList(metrics_module.Metric):
    """The metrics of one output."""

    def __init__(self, metrics, name="metrics_list", output_name=None):
        super().__init__(name=name)
        self.metrics = metrics
        self.output_name = output_name

    def update_state(self, y_true, y_pred, sample_weight=None):
        for m in self.metrics:
            m.update_state(y_true, y_pred, sample_weight=sample_weight)

    def reset_state(self):
        for m in self.metrics:
            m.reset_state()

    def result(self):
        return {m.name: m.result() for m in self.metrics}

    def get_config(self):
        raise NotImplementedError("MetricsList has no config: it is made by compile()")


def is_binary_or_sparse_categorical(y_true, y_pred):
    """How "accuracy" and "crossentropy" choose: (one value per sample, integer labels against class scores)."""
    is_binary = y_pred.shape[-1] == 1
    is_sparse = len(y_true.shape) < len(y_pred.shape) or (y_true.shape[-1] == 1 and y_pred.shape[-1] > 1)
    return is_binary, is_sparse


def object_name(obj) -> str:
    """The name of a metric or loss: its attribute, or the name of its function or class in snake case ("<lambda>" is "lambda")."""
    return getattr(obj, "name", None) or to_snake_case(getattr(obj, "__name__", None) or type(obj).__name__)


def get_metric(identifier, y_true, y_pred):
    """A Metric from a name, config, function or instance; "accuracy" depends on the shapes of y_true and y_pred."""
    if identifier is None:
        raise ValueError("Expected metric, received `None`")
    if isinstance(identifier, str) and identifier.lower() in ("accuracy", "acc"):
        if y_true is None:
            raise ValueError(f"The metric {identifier!r} needs labels: pass y")
        is_binary, is_sparse = is_binary_or_sparse_categorical(y_true, y_pred)
        if is_binary:
            metric = metrics_module.BinaryAccuracy(name=identifier)
        elif is_sparse:
            metric = metrics_module.SparseCategoricalAccuracy(name=identifier)
        else:
            metric = metrics_module.CategoricalAccuracy(name=identifier)
    else:
        metric = metrics_module.get(identifier)
    name = identifier if isinstance(identifier, str) else object_name(metric)
    if not isinstance(metric, metrics_module.Metric):
        metric = metrics_module.MeanMetricWrapper(metric)
    metric.name = name
    return metric


def _metrics_list(metrics, y_true, y_pred, output_name=None):
    if metrics is None:
        return None
    if not isinstance(metrics, (list, tuple)):
        metrics = [metrics]
    return MetricsList([get_metric(m, y_true, y_pred) for m in metrics], output_name=output_name)


class CompileMetrics(metrics_module.Metric):
    """All metrics of a model, built when the shapes of the labels and outputs are known.

    Args:
        metrics: list, tuple or dict of metrics (names, functions, instances), per output if there are several.
        weighted_metrics: the same, for metrics that sample weights count in.
        output_names: names of the model's outputs.
    """

    def __init__(self, metrics, weighted_metrics, name="compile_metrics", output_names=None):
        super().__init__(name=name)
        for argument, given in (("metrics", metrics), ("weighted_metrics", weighted_metrics)):
            if given and not isinstance(given, (list, tuple, dict)):
                raise ValueError(
                    f"Expected `{argument}` argument to be a list, tuple, or dict. Received instead: {argument}={given} of "
                    "type "
                    f"{type(given)}"
                )
        self._user_metrics = metrics
        self._user_weighted_metrics = weighted_metrics
        self.output_names = output_names
        self.built = False
        self.name = "compile_metrics"
        self._plain: list = []  # MetricsList or None per output
        self._weighted: list = []
        self._named: list | None = None

    @property
    def metrics(self):
        return [m for group in (*self._plain, *self._weighted) if group for m in group.metrics]

    @property
    def variables(self):
        return [v for m in self.metrics for v in m.variables]

    def build(self, y_true, y_pred):
        outputs = nest.flatten(y_pred)
        parts = y_pred.values() if isinstance(y_pred, dict) else y_pred
        flat = nest.is_nested(y_pred) and not any(nest.is_nested(part) for part in parts)
        names = self.output_names
        if flat and isinstance(y_pred, dict) and not (names and set(y_pred) == set(names)):
            names = list(y_pred) if isinstance(y_pred, OrderedDict) else sorted(y_pred)
        # Dicts of labels are read in this order.
        self._order = names if len(outputs) > 1 and flat else None
        self._plain = self._assign(self._user_metrics, y_true, y_pred, names, flat, "metrics")
        self._weighted = self._assign(self._user_weighted_metrics, y_true, y_pred, names, flat, "weighted_metrics")
        self._named = None
        self.built = True

    def _assign(self, metrics, y_true, y_pred, names, flat, argument):
        count = len(nest.flatten(y_pred))
        if not metrics:
            return [None] * count
        if count == 1:
            return [_metrics_list(nest.flatten(metrics), nest.flatten(y_true)[0], nest.flatten(y_pred)[0])]
        try:
            if flat:
                per_output = None
                if isinstance(metrics, (list, tuple)) and len(metrics) == count:
                    per_output = metrics
                elif names and isinstance(metrics, dict) and set(metrics) <= set(names):
                    per_output = [metrics.get(n) for n in names]
                if per_output is not None:
                    parts = zip(per_output, self._flatten(y_true), self._flatten(y_pred), names or [None] * count)
                    return [_metrics_list(*part) for part in parts]
            structure = nest.pack_sequence_as(y_pred, names if names and len(names) == count else [None] * count)
            return list(_assign_nested(metrics, y_true, y_pred, structure))
        except (ValueError, TypeError, KeyError) as error:
            shape = nest.map_structure(lambda _: "X", y_pred)
            raise ValueError(
                f"{error}\nInvalid `{argument}`. `{argument}` should contain metrics objects and either be a dict or a list "
                "matching the "
                f"output names of the functional model {self.output_names} or match the output structure of the model: "
                f"{shape}.\n"
                f"Received: {argument}={metrics}"
            ) from error

    def _flatten(self, y):
        if isinstance(y, dict) and self._order is not None:
            return [y.get(name) for name in self._order]
        return nest.flatten(y)

    def update_state(self, y_true, y_pred, sample_weight=None):
        if not self.built:
            self.build(y_true, y_pred)
        y_true, y_pred = self._flatten(y_true), self._flatten(y_pred)
        for group, t, p in zip(self._plain, y_true, y_pred):
            if group:
                _check_labels(group, t)
                group.update_state(t, p)
        if any(self._weighted):
            weights = [None] if sample_weight is None else self._flatten(sample_weight)
            if len(weights) < len(y_true):
                weights = [weights[0]] * len(y_true)
            for group, t, p, w in zip(self._weighted, y_true, y_pred, weights):
                if group:
                    _check_labels(group, t)
                    group.update_state(t, p, w)

    def reset_state(self):
        for m in self.metrics:
            m.reset_state()

    def result(self):
        if not self.built:
            raise ValueError("Cannot get result() since the metric has not yet been built.")
        return {name: m.result() for name, m in self.named_metrics()}

    def named_metrics(self):
        """[(name in the logs, metric)]: names of outputs in front, numbers behind those that occur again."""
        if self._named is None:
            named: dict = {}
            seen: dict = {}
            for weighted, groups in ((False, self._plain), (True, self._weighted)):
                for group in groups:
                    for m in group.metrics if group else ():
                        prefix = f"{group.output_name}_" if group.output_name else ""
                        name = f"{prefix}{m.name}"
                        if weighted and name in seen:
                            name = f"{prefix}weighted_{m.name}"
                        seen[name] = seen.get(name, 0) + 1
                        named[name if seen[name] == 1 else f"{name}_{seen[name] - 1}"] = m
            self._named = list(named.items())
        return self._named

    def get_config(self):
        raise NotImplementedError("CompileMetrics has no config: the model saves the arguments of compile()")


def _check_labels(group, y_true):
    # Metrics of one's own may look at the outputs alone.
    if y_true is None and any(type(m).__module__.startswith("kerasgpu.") for m in group.metrics):
        of = f" of output {group.output_name!r}" if group.output_name else ""
        raise ValueError(
            f"The metrics {[m.name for m in group.metrics]}{of} need labels, but y is missing. Pass y, or (x, y) pairs"
        )


def _assign_nested(metrics, y_true, y_pred, names):
    """Metrics for each leaf of y_pred, whose nesting y_true and metrics share."""
    if not nest.is_nested(y_pred):
        yield _metrics_list(metrics, y_true, y_pred, names)
        return
    is_dict = isinstance(y_pred, dict)
    if not (isinstance(metrics, dict) if is_dict else isinstance(metrics, (list, tuple))) or len(metrics) != len(y_pred):
        raise ValueError(f"The metrics {metrics} do not have the structure of the outputs.")
    for key in sorted(y_pred) if is_dict else range(len(y_pred)):
        yield from _assign_nested(metrics[key], y_true[key], y_pred[key], names[key])
