"""Trainer: the half of a model that compiles, fits, evaluates and predicts."""

from __future__ import annotations

import inspect
import warnings

from kerasgpu import metrics as metrics_module
from kerasgpu import optimizers
from kerasgpu.config.numbers import is_whole_number
from kerasgpu.configs import serialization
from kerasgpu.training import checks, loops, metric_values
from kerasgpu.training.arguments import Data, HeldOut, Watchers
from kerasgpu.training.compile_loss import CompileLoss
from kerasgpu.training.compile_metrics import CompileMetrics
from kerasgpu.training.steps import Steps
from kerasgpu.training.tracebacks import user_tracebacks

_DEFAULT_OPTIMIZER = "".join(("rms", "prop"))  # not the same object as a "rmsprop" that somebody passes


class Trainer(Steps):
    """Mixin of Model. Needs of the layer it is mixed into: __call__, losses, trainable_variables, _metrics, _flatten_layers."""

    # What is no part of a weights file under these names (see Layer); the optimizer is added by Model.
    _not_saved = frozenset(
        {"loss", "history", "optimizer", "_compile_loss", "_compile_metrics", "_loss_tracker", "_compile_config"}
        | {"_output_spec", "_programs"}
    )

    def __init__(self):
        self._put(
            _run_eagerly=False,
            _jit_compile=None,
            compiled=False,
            loss=None,  # `optimizer` is no attribute before compile(), as in Keras
            steps_per_execution=1,
            stop_training=False,
            _initial_epoch=None,  # set by BackupAndRestore
            _compute_loss_has_training_arg="training" in inspect.signature(self.compute_loss).parameters,
            _compile_loss=None,
            _compile_metrics=None,
            _loss_tracker=None,
            _compile_config=None,
            _output_spec=None,
            history=None,
            _kept_attributes=(),  # of loss and optimizer: what compile() found set and left
        )

    def _put(self, **attributes):
        """Set attributes without tracking: the optimizer and the compiled metrics are no state of the layer."""
        self.__dict__.update(attributes)

    # -- compile ------------------------------------------------------------------------------------------------
    def compile(
        self,
        optimizer=_DEFAULT_OPTIMIZER,
        loss=None,
        loss_weights=None,
        metrics=None,
        weighted_metrics=None,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile="auto",
        auto_scale_loss=True,
    ):
        """Choose the optimizer, the loss and the metrics.

        Args:
            optimizer: name, instance or config; None for models that do not train.
            loss: name, function `fn(y_true, y_pred)`, Loss instance, or a list or dict of them, one per output.
            loss_weights: numbers like `loss`; the total is the weighted sum.
            metrics: list (or per-output list or dict of lists) of names, functions and Metrics. "accuracy" chooses by shapes.
            weighted_metrics: the same, for metrics that sample_weight and class_weight count in.
            run_eagerly: run each step in plain Python, for prints and breakpoints.
            steps_per_execution: batches between two calls of per-batch callbacks.
            jit_compile: accepted; steps are captured and replayed unless run_eagerly is set.
            auto_scale_loss: under the mixed_float16 policy wrap the optimizer in a LossScaleOptimizer.

        Which variables are trainable is read at each step; losses and metrics are built on the first batch.

        >>> import kerasgpu as keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(optimizer="adam", loss="mse", metrics=["mae"])
        >>> model.optimizer.name
        'adam'
        """
        if not is_whole_number(steps_per_execution) or steps_per_execution < 1:
            raise ValueError(f"`steps_per_execution` must be a positive integer. Received: {steps_per_execution}")
        steps_per_execution = int(steps_per_execution)
        own_loss, own_optimizer = self._set_by_user("loss"), self._set_by_user("optimizer")
        if optimizer is _DEFAULT_OPTIMIZER and own_optimizer is not None:
            optimizer = own_optimizer
        optimizer = optimizers.get(optimizer)
        in_use = optimizer
        if auto_scale_loss and optimizer is not None and self.dtype_policy.name == "mixed_float16":
            if not isinstance(optimizer, optimizers.LossScaleOptimizer):
                in_use = optimizers.LossScaleOptimizer(optimizer, name="loss_scale_optimizer")
        names = getattr(self, "output_names", None)
        if run_eagerly:
            if jit_compile is True:
                warnings.warn(
                    "If `run_eagerly` is True, then `jit_compile` cannot also be True. Disabling `jit_compile`.", stacklevel=2
                )
            jit_compile = False
        self._put(
            optimizer=in_use,
            loss=own_loss if loss is None else loss,
            _compile_loss=None if loss is None else CompileLoss(loss, loss_weights, output_names=names),
            _compile_metrics=None
            if metrics is None and weighted_metrics is None
            else CompileMetrics(metrics, weighted_metrics, output_names=names),
            _loss_tracker=metrics_module.Mean(name="loss"),
            steps_per_execution=steps_per_execution,
            stop_training=False,
            compiled=True,
            _kept_attributes=tuple(
                name
                for name, own, kept in (
                    ("loss", own_loss, loss is None),
                    ("optimizer", own_optimizer, optimizer is own_optimizer),
                )
                if own is not None and kept
            ),
            _run_eagerly=bool(run_eagerly),
            _jit_compile=jit_compile,
            _compile_config=dict(
                optimizer=optimizer,
                loss=loss,
                loss_weights=loss_weights,
                metrics=metrics,
                weighted_metrics=weighted_metrics,
                run_eagerly=run_eagerly,
                steps_per_execution=steps_per_execution,
                jit_compile=jit_compile,
            ),
        )

    def _set_by_user(self, name):
        """What a constructor assigned to self.loss or self.optimizer before compile(), which then leaves it there; else None."""
        found = self.__dict__.get(name)
        return found if not self.compiled or name in self._kept_attributes else None

    @property
    def run_eagerly(self):
        return self._run_eagerly

    @run_eagerly.setter
    def run_eagerly(self, value):
        self.__dict__["_run_eagerly"] = bool(value)

    @property
    def jit_compile(self):
        """Accepted for compatibility: whether steps may be captured (run_eagerly decides)."""
        return self._jit_compile is not False

    @jit_compile.setter
    def jit_compile(self, value):
        self.__dict__["_jit_compile"] = value

    def get_compile_config(self):
        """The arguments of compile() as plain data; {} before it was called."""
        if self.compiled and self._compile_config is not None:
            return serialization.serialize_keras_object(self._compile_config)
        return {}

    def compile_from_config(self, config):
        """compile() with arguments from `get_compile_config()`. A model whose class overrides compile() is left uncompiled."""
        if type(self).compile is not Trainer.compile:
            warnings.warn(
                "`compile()` was not called as part of model loading because the model's `compile()` method is custom. All "
                "subclassed "
                "Models that have `compile()` overridden should also override `get_compile_config()` and "
                "`compile_from_config(config)`. Alternatively, you can call `compile()` manually after loading.",
                stacklevel=2,
            )
            return
        self.compile(**serialization.deserialize_keras_object(config))
        if getattr(self, "optimizer", None) is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    # -- metrics ------------------------------------------------------------------------------------------------
    def _get_own_metrics(self):
        found = []
        if self.compiled:
            if self._loss_tracker is not None:
                found.append(self._loss_tracker)
            if self._compile_metrics is not None:
                found.append(self._compile_metrics)
            if self._compile_loss is not None:
                found.extend(self._compile_loss.metrics)
        found.extend(self._metrics)
        return found

    @property
    def metrics(self):
        """The loss tracker, the compiled metrics, one mean per loss if there are several, and the metrics of the layers."""
        found = self._get_own_metrics()
        for layer in self._flatten_layers(include_self=False):
            # A nested model has a training state of its own, which this one's training does not touch.
            if not isinstance(layer, Trainer):
                found.extend(layer._metrics)
        return found

    @property
    def metrics_names(self):
        return [m.name for m in self.metrics]

    def reset_metrics(self):
        """Start all metrics anew."""
        metric_values.reset(self.metrics)

    def _get_metrics_result_or_logs(self, logs):
        values = self.get_metrics_result()
        return values if isinstance(logs, dict) and set(logs) == set(values) else logs

    def _flatten_metrics_in_order(self, logs):
        """Values of logs: loss, compiled metrics, further ones, then what a custom step added. One value alone is no list."""
        names = []
        for metric in self.metrics:
            names += [m.name for m in metric.metrics] if isinstance(metric, CompileMetrics) else [metric.name]
        found = [logs[name] for name in names if name in logs]
        found += [logs[key] for key in sorted(logs) if key not in names]
        return found[0] if len(found) == 1 else found

    # -- fit, evaluate, predict ---------------------------------------------------------------------------------
    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        initial_epoch=0,
        steps_per_epoch=None,
        validation_steps=None,
        validation_batch_size=None,
        validation_freq=1,
    ):
        """Train for a number of epochs.

        Args:
            x: inputs: array, tensor, pandas table, list or dict of them, PyDataset, generator, or another iterable of batches.
            y: targets like x; None when x yields (inputs, targets).
            batch_size: samples per update; 32 by default. Not for data that comes in batches.
            epochs: number of the last epoch.
            verbose: 0 silent, 1 progress bar, 2 a line per epoch; "auto" is 1.
            callbacks: list of callbacks.
            validation_split: fraction of the last samples held out, before shuffling, for validation. Arrays only.
            validation_data: (x, y) or (x, y, sample_weight), or data that yields these.
            shuffle: shuffle arrays each epoch; "batch" only within batches.
            class_weight: dict from class to weight.
            sample_weight: array of weights, (samples,) or like the loss values.
            initial_epoch: first epoch to run, to resume training.
            steps_per_epoch: batches per epoch; None is one pass over the data.
            validation_steps, validation_batch_size: the same for validation.
            validation_freq: validate every so many epochs, or a list of epochs.

        Returns a History: `history.history` maps names of logs to lists with a value per epoch. Ctrl-C ends training at once
        and leaves the model with the weights of the last finished step.

        >>> import numpy as np, kerasgpu as keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(np.ones((8, 2)), np.ones((8, 1)), epochs=2, verbose=0)
        >>> len(history.history["loss"])
        2
        """
        checks.check_compiled(self, "fit")
        if getattr(self, "optimizer", None) is None and self._is_default("train_step"):
            raise ValueError("fit() needs an optimizer: the model was compiled with optimizer=None")
        data = Data(x, y, sample_weight, batch_size, steps_per_epoch, shuffle, class_weight)
        held_out = HeldOut(validation_data, validation_split, validation_steps, validation_batch_size, validation_freq)
        with user_tracebacks():
            return loops.fit(self, data, held_out, Watchers(callbacks, verbose), epochs, initial_epoch)

    def evaluate(
        self,
        x=None,
        y=None,
        batch_size=None,
        verbose="auto",
        sample_weight=None,
        steps=None,
        callbacks=None,
        return_dict=False,
        **kwargs,
    ):
        """Loss and metrics on data.

        Args: see `fit`; `steps` is the number of batches, `return_dict` asks for {name: value}.

        Returns the loss, or a list [loss, metrics...], or a dict.
        """
        runner = kwargs.pop("_use_runner", None)
        if kwargs:
            raise ValueError(f"Arguments not recognized: {kwargs}")
        checks.check_compiled(self, "evaluate")
        data = Data(x, y, sample_weight, batch_size, steps)
        with user_tracebacks():
            return loops.evaluate(self, data, Watchers(callbacks, verbose), return_dict, runner)

    def _evaluate_is_overridden(self) -> bool:
        return type(self).evaluate is not Trainer.evaluate

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """The outputs of the model for x, computed in batches, as NumPy arrays in the structure of the outputs.

        Args: see `fit`; `steps` is the number of batches.
        """
        data = Data(x, batch_size=batch_size, steps=steps)
        with user_tracebacks():
            return loops.predict(self, data, Watchers(callbacks, verbose))

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """One update on one batch. Returns the loss, or [loss, metrics...], or a dict with return_dict."""
        checks.check_compiled(self, "train_on_batch")
        with user_tracebacks():
            return loops.on_batch(self, "train", Data(x, y, sample_weight, class_weight=class_weight), return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """Loss and metrics of one batch. Returns the loss, or [loss, metrics...], or a dict with return_dict."""
        checks.check_compiled(self, "test_on_batch")
        with user_tracebacks():
            return loops.on_batch(self, "test", Data(x, y, sample_weight), return_dict)

    def predict_on_batch(self, x):
        """The outputs for one batch, as NumPy arrays."""
        with user_tracebacks():
            return loops.predict_on_batch(self, x)

    # Keras calls these; here steps are looked up when a loop begins, so there is nothing to make beforehand.
    def make_train_function(self, force=False):
        """The function of one batch that fit() runs."""
        return self._step_function("train")

    def make_test_function(self, force=False):
        """The function of one batch that evaluate() runs."""
        return self._step_function("test")

    def make_predict_function(self, force=False):
        """The function of one batch that predict() runs."""
        return self._step_function("predict")

    # -- building on the first batch ----------------------------------------------------------------------------
    def _symbolic_build(self, iterator=None, data_batch=None):
        """Create weights, losses, metrics and optimizer state for batches like this one."""
        checks.build_on(self, data_batch)
