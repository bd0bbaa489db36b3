"""One training, test or prediction step, and the methods that a subclass may override to change it."""

from __future__ import annotations

import warnings

from kerasgpu import ops
from kerasgpu.engine import dtypes, nest, tape
from kerasgpu.engine.stateless import StatelessScope
from kerasgpu.training.adapters.pack import unpack_x_y_sample_weight


class Steps:
    """Mixin of Trainer: the step methods and what they are made of."""

    # -- losses and metrics -------------------------------------------------------------------------------------
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The total loss: the compiled loss, plus `add_loss` losses and regularizers. Override it for a loss of your own.

        Args:
            x, y, sample_weight: the batch.
            y_pred: output of the model.
            training: whether this is a training step.

        Returns a scalar tensor. Raises ValueError when there is no loss at all.
        """
        del x, training
        total = None
        if self._compile_loss is not None:
            total = self._compile_loss(y, y_pred, sample_weight)
        for loss in self.losses:
            loss = self._aggregate_additional_loss(loss)
            total = loss if total is None else ops.add(total, loss)
        if total is None:
            raise ValueError("No loss to compute. Provide a `loss` argument in `compile()`.")
        return total

    def _aggregate_additional_loss(self, loss):
        loss = ops.convert_to_tensor(loss)
        if not dtypes.is_float(loss.dtype):
            loss = ops.cast(loss, dtypes.floatx())
        return loss if not loss.shape else ops.sum(loss)

    def _compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        if self._compute_loss_has_training_arg:
            return self.compute_loss(x, y, y_pred, sample_weight, training=training)
        return self.compute_loss(x, y, y_pred, sample_weight)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Update the compiled metrics with this batch; returns the values of all metrics as a dict. Meant to be overridden."""
        del x
        self._update_compiled_metrics(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def _update_compiled_metrics(self, y, y_pred, sample_weight):
        if self._compile_metrics is not None:
            self._compile_metrics.update_state(y, y_pred, sample_weight)

    def get_metrics_result(self):
        """{name: value} of `self.metrics`; metrics that report several values are flattened into it."""
        found: dict = {}
        for metric in self.metrics:
            result = metric.result()
            if isinstance(result, dict):
                found.update(result)
            else:
                found[metric.name] = result
        return found

    def stateless_compute_loss(
        self,
        trainable_variables,
        non_trainable_variables,
        metrics_variables,
        x=None,
        y=None,
        y_pred=None,
        sample_weight=None,
        training=True,
    ):
        """compute_loss as a pure function: (loss, (trainable, non-trainable, metrics variables))."""
        mapping = [
            *zip(self.trainable_variables, trainable_variables),
            *zip(self.non_trainable_variables, non_trainable_variables),
            *zip(self.metrics_variables, metrics_variables),
        ]
        with StatelessScope(state_mapping=mapping) as scope:
            loss = self._compute_loss(x, y, y_pred, sample_weight=sample_weight, training=training)
        after = [
            [scope.get_current_value(v) for v in group] for group in (self.non_trainable_variables, self.metrics_variables)
        ]
        return loss, (trainable_variables, *after)

    # -- steps --------------------------------------------------------------------------------------------------
    def _training_keywords(self, value):
        """The keywords of a call of the model in this mode."""
        return {"training": value} if self._call_has_training_arg else {}

    def train_step(self, data):
        """One update of the weights. Override it for a training algorithm of your own; return a dict of logs.

        Args:
            data: x, (x, y) or (x, y, sample_weight) of one batch.
        """
        logs = self._train_update(data)
        return self.get_metrics_result() if logs is None else logs

    def test_step(self, data):
        """Loss and metrics of one batch, without an update of the weights; returns a dict of logs."""
        logs = self._test_update(data)
        return self.get_metrics_result() if logs is None else logs

    def predict_step(self, data):
        """The output of the model for one batch."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, **self._training_keywords(False))

    def _train_update(self, data):
        """train_step without reading the metrics: None, or the logs of an overridden compute_metrics."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        optimizer = getattr(self, "optimizer", None)
        with tape.enable_grad():
            y_pred = self(x, **self._training_keywords(True))
            loss = self._compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=True)
            scaled = loss if optimizer is None else optimizer.scale_loss(loss)
        variables = self.trainable_variables
        with tape.no_grad():
            self._loss_tracker.update_state(loss, sample_weight=_batch_size(x))
            if variables and optimizer is not None:
                # The graph is freed before the optimizer writes: nothing then holds the old values, so none are copied.
                gradients = tape.gradients(scaled, variables, release=True)
                del scaled, loss
                optimizer.apply(gradients, variables)
            elif not variables:
                warnings.warn("The model does not have any trainable weights.", stacklevel=2)
            return self._update_metrics(x, y, y_pred, sample_weight)

    def _test_update(self, data):
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, **self._training_keywords(False))
        loss = self._compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=False)
        self._loss_tracker.update_state(loss, sample_weight=_batch_size(x))
        return self._update_metrics(x, y, y_pred, sample_weight)

    def _update_metrics(self, x, y, y_pred, sample_weight):
        if nest.is_nested(y_pred) and self._compile_loss is not None and y is not None and self._is_default("compute_loss"):
            y = self._compile_loss.align(y, y_pred)
        if self._is_default("compute_metrics"):
            self._update_compiled_metrics(y, y_pred, sample_weight)
            return None
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def _is_default(self, name):
        """Whether this method is the one of the base class, so that a shortcut may stand for it."""
        return name not in self.__dict__ and getattr(type(self), name) is getattr(Steps, name)

    def _step_function(self, mode):
        """The function of one batch that a runner calls."""
        if mode == "predict":
            method = self.predict_step
            return _without_gradients(self._stateful(method) if _takes_state(method) else method)
        name, update = ("train_step", self._train_update) if mode == "train" else ("test_step", self._test_update)
        method = getattr(self, name)
        if self._is_default(name):
            method = update
        else:
            method = _with_logs(self._stateful(method) if _takes_state(method) else method, name)
        return method if mode == "train" else _without_gradients(method)

    # -- steps written for Keras on JAX: train_step(state, data) -> logs, state ------------------------------------
    def _stateful(self, method):
        def step(data):
            groups = [self.trainable_variables, self.non_trainable_variables]
            if method.__name__ == "train_step":
                groups.append(self.optimizer.variables)
            if method.__name__ != "predict_step":
                groups.append(self.metrics_variables)
            logs, state = method(tuple([v.value for v in group] for group in groups), data)
            with tape.no_grad():
                for group, values in zip(groups, state):
                    for variable, value in zip(group, values):
                        if value is not None:
                            variable.assign(value)
            return logs

        return step

    def zero_grad(self):
        """Forget the gradients that `loss.backward()` left on the weights."""
        for v in self.trainable_variables:
            v.grad = None


def _without_gradients(function):
    """A test or predict step: nothing in it is recorded for gradients."""

    def step(batch):
        with tape.no_grad():
            return function(batch)

    return step


def _with_logs(method, name):
    def step(data):
        logs = method(data)
        if logs is None:
            raise ValueError(f"{name}() returned None: return a dict of logs, such as self.get_metrics_result()")
        return logs

    return step


def _takes_state(method) -> bool:
    code = getattr(getattr(method, "__func__", method), "__code__", None)
    return code is not None and code.co_varnames[1:3] == ("state", "data") and code.co_argcount >= 3


def _batch_size(x):
    for leaf in nest.flatten(x):
        if leaf is not None:
            return leaf.shape[0]
    return 1
