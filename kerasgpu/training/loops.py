"""The loops of fit, evaluate and predict: epochs, callbacks, validation, and how many steps run between two looks at them."""

from __future__ import annotations

import functools
import time
import warnings

from kerasgpu import config
from kerasgpu.callbacks.callback_list import CallbackList
from kerasgpu.config.numbers import is_whole_number
from kerasgpu.engine import device as devices
from kerasgpu.engine import nest
from kerasgpu.progress.logs import pythonify_logs
from kerasgpu.training import checks, metric_values, resuming
from kerasgpu.training.adapters import get_data_adapter
from kerasgpu.training.adapters.arrays import train_validation_split
from kerasgpu.training.adapters.convert import to_tensors
from kerasgpu.training.adapters.pack import class_weight_to_sample_weights, unpack_x_y_sample_weight
from kerasgpu.training.runners import make_runner
from kerasgpu.training.runners.base import STOP_FLAGS, device_of, to_numpy
from kerasgpu.training.runners.capture import captured_step

ALL = 2**62  # more steps than any epoch has
_SECONDS_BETWEEN_DRAWS = 0.1
_NO_CALLBACKS = CallbackList()


class StepLoop:
    """Drives a runner through one epoch, calling per-batch hooks only if a callback has them.

    Without such hooks all steps run in one go, or, where a progress bar is on a terminal, in pieces of about a tenth of a
    second.
    """

    def __init__(self, model, mode, runner, callbacks):
        self.model = model
        self.runner = runner
        self.callbacks = callbacks
        self.mode = mode
        self.chunk = max(1, model.steps_per_execution)
        self.with_hooks = callbacks.has_batch_hooks(mode)
        self.progress = callbacks.live_progress(mode)
        self.begin = getattr(callbacks, f"on_{mode}_batch_begin")
        self.end = getattr(callbacks, f"on_{mode}_batch_end")
        self.stop_flag = STOP_FLAGS[mode]
        self._pace = 1.0  # steps that fit between two draws

    def run_epoch(self, done=0) -> int:
        """Run the epoch that the runner has begun, of which `done` steps are behind us; returns the number of steps."""
        if self.with_hooks:
            return self._with_hooks(done)
        if self.progress is not None:
            return self._with_progress(done)
        return done + self._all(ALL)

    def _stopped(self):
        return getattr(self.model, self.stop_flag, False)

    def _all(self, steps):
        done = 0
        while done < steps:
            ran = self.runner.run(steps - done)
            if ran == 0:
                break
            done += ran
            if self._stopped():
                break
        return done

    def _with_hooks(self, step):
        runner, predict = self.runner, self.mode == "predict"
        while runner.has_next():
            self.begin(step)
            ran = runner.run(self.chunk)
            self.end(step + self.chunk - 1, {"outputs": runner.last_outputs()} if predict else runner.step_logs())
            step += ran
            if self._stopped():
                break
        return step

    def _with_progress(self, done):
        shown = None  # what to draw next: on a GPU the numbers of the piece before, so that there is always work to do there
        while True:
            started = time.perf_counter()
            ran = self.runner.run(max(1, int(self._pace)))
            if ran == 0:
                break
            done += ran
            before, shown = shown, (done, self.runner.snapshot())
            if shown[1] is self.runner:
                self.progress.show(*shown)
            elif before is not None:
                self.progress.show(*before)
            seconds = time.perf_counter() - started
            # Grow slowly, shrink at once: one slow step must not freeze the bar for many.
            self._pace = min(ran * _SECONDS_BETWEEN_DRAWS / max(seconds, 1e-9), 2 * max(self._pace, 1.0))
            if self._stopped():
                break
        return done


def _where_it_is(function):
    """The loop runs on the device of the model: what its steps make lies beside the weights."""

    @functools.wraps(function)
    def run(model, *args, **kwargs):
        with devices.device(device_of(model)):
            return function(model, *args, **kwargs)

    return run


@_where_it_is
def fit(
    model,
    x,
    y,
    batch_size,
    epochs,
    verbose,
    callbacks,
    validation_split,
    validation_data,
    shuffle,
    class_weight,
    sample_weight,
    initial_epoch,
    steps_per_epoch,
    validation_steps,
    validation_batch_size,
    validation_freq,
):
    if not is_whole_number(epochs):
        raise ValueError(f"`epochs` must be an integer. Received: epochs={epochs!r} (of type {type(epochs).__name__})")
    epochs, initial_epoch = int(epochs), int(initial_epoch)
    limit = config.max_epochs()
    if limit and limit < epochs:
        warnings.warn(f"Limiting epochs to {limit}", stacklevel=3)
        epochs = limit
    if validation_split and validation_data is None:
        (x, y, sample_weight), validation_data = train_validation_split((x, y, sample_weight), validation_split)
    adapter = get_data_adapter(x, y, sample_weight, batch_size, steps_per_epoch, shuffle, class_weight)
    _build(model, adapter, train=True)
    runner = make_runner(model, "train", adapter, steps_per_epoch)
    validation = None
    if validation_data is not None:
        validation = _Validation(model, validation_data, validation_batch_size or batch_size, validation_steps, validation_freq)
    callbacks = _callback_list(model, callbacks, verbose, epochs, runner.num_batches, add_history=True)
    model.stop_training = False
    resuming.attach(callbacks, runner, validation)
    try:
        logs = _fit_epochs(model, runner, validation, callbacks, epochs, initial_epoch)
    except BaseException:
        callbacks.on_interrupt()
        raise
    finally:
        runner.close()
        if validation is not None:
            validation.close()
    if epochs > 0 and hasattr(getattr(model, "optimizer", None), "finalize_variable_values"):
        model.optimizer.finalize_variable_values(model.trainable_weights)
    callbacks.on_train_end(logs)
    return model.history


def _fit_epochs(model, runner, validation, callbacks, epochs, initial_epoch):
    callbacks.on_train_begin()
    loop = StepLoop(model, "train", runner, callbacks)
    logs: dict = {}
    for epoch in range(model._initial_epoch or initial_epoch, epochs):
        model.reset_metrics()
        callbacks.on_epoch_begin(epoch)
        runner.begin_epoch()
        steps = loop.run_epoch(resuming.steps_done(model, runner))
        if steps == 0 and runner.ran_out:
            runner.end_epoch()
            break
        logs = runner.epoch_logs()
        runner.end_epoch()
        if validation is not None and validation.is_due(epoch):
            logs.update((f"val_{name}", value) for name, value in validation.run(callbacks).items())
        callbacks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    return logs


class _Validation:
    """The validation of fit: its runner is made once and used in every epoch."""

    def __init__(self, model, data, batch_size, steps, frequency):
        frequency = int(frequency) if is_whole_number(frequency) else frequency
        if frequency == 0 or not isinstance(frequency, (int, list, tuple, set)) or isinstance(frequency, bool):
            raise ValueError(
                "Expected `validation_freq` to be a list or int of at least 1. Received: "
                f"validation_freq={frequency} of the type {type(frequency)}."
            )
        self.model = model
        self.frequency = frequency
        x, y, weight = unpack_x_y_sample_weight(data)
        self.arguments = dict(x=x, y=y, sample_weight=weight, batch_size=batch_size, steps=steps)
        adapter = get_data_adapter(x, y, weight, batch_size, steps)
        checks.check_labels(model, adapter)
        self.runner = make_runner(model, "test", adapter, steps)
        self.loop = None

        self.overridden = model._evaluate_is_overridden()

    def is_due(self, epoch) -> bool:
        if isinstance(self.frequency, int):
            return (epoch + 1) % self.frequency == 0
        return epoch + 1 in self.frequency

    def run(self, callbacks) -> dict:
        if self.overridden:
            return self.model.evaluate(**self.arguments, callbacks=callbacks, return_dict=True, _use_runner=self.runner)
        if self.loop is None:
            self.loop = StepLoop(self.model, "test", self.runner, callbacks)
        return _evaluate_loop(self.model, self.loop, callbacks, in_fit=True)

    def close(self):
        self.runner.close()


def _evaluate_loop(model, loop, callbacks, in_fit=False) -> dict:
    model.__dict__["stop_evaluating"] = False
    callbacks.on_test_begin()
    model.reset_metrics()
    loop.runner.begin_epoch()
    steps = loop.run_epoch()
    if steps == 0:
        if not in_fit:
            raise ValueError("evaluate() received no data: there was no batch to run on")
        warnings.warn(
            "The validation data has ended, so this epoch is not validated: a generator can be read once. Pass arrays, a "
            "keras.utils.PyDataset, or `validation_steps` with an endless generator",
            stacklevel=6,
        )
        loop.runner.end_epoch()
        callbacks.on_test_end({})
        return {}
    logs = loop.runner.epoch_logs()
    loop.runner.end_epoch()
    callbacks.on_test_end(logs)
    return logs


@_where_it_is
def evaluate(model, x, y, batch_size, verbose, sample_weight, steps, callbacks, return_dict, runner=None):
    own = runner is None
    if own:
        adapter = get_data_adapter(x, y, sample_weight, batch_size, steps)
        _build(model, adapter, train=False)
        runner = make_runner(model, "test", adapter, steps)
    callbacks = _callback_list(model, callbacks, verbose, 1, runner.num_batches)
    try:
        logs = _evaluate_loop(model, StepLoop(model, "test", runner, callbacks), callbacks)
    except BaseException:
        callbacks.on_interrupt()
        raise
    finally:
        if own:
            runner.close()
    return logs if return_dict else model._flatten_metrics_in_order(logs)


@_where_it_is
def predict(model, x, batch_size, verbose, steps, callbacks):
    runner = make_runner(model, "predict", get_data_adapter(x, None, None, batch_size, steps), steps)
    if runner.num_batches == 1 and verbose == "auto":
        verbose = 0
    callbacks = _callback_list(model, callbacks, verbose, 1, runner.num_batches)
    model.__dict__["stop_predicting"] = False
    try:
        callbacks.on_predict_begin()
        runner.begin_epoch()
        StepLoop(model, "predict", runner, callbacks).run_epoch()
        outputs = runner.outputs()
        runner.end_epoch()
    except BaseException:
        callbacks.on_interrupt()
        raise
    finally:
        runner.close()
    callbacks.on_predict_end()
    return outputs


@_where_it_is
def on_batch(model, mode, x, y, sample_weight, class_weight, return_dict):
    if class_weight is not None:
        if sample_weight is not None:
            raise ValueError(
                "Arguments `sample_weight` and `class_weight` cannot be specified at the same time. Received: "
                f"sample_weight={sample_weight}, class_weight={class_weight}"
            )
        sample_weight = class_weight_to_sample_weights(y, class_weight)
    batch = tuple(to_tensors(part) for part in (x, y, sample_weight))
    checks.build_on(model, batch, train=mode == "train")
    check = checks.label_check(model)
    if check is not None:
        check(batch)
    model.reset_metrics()
    logs = captured_step(model, mode)(batch)
    logs = pythonify_logs(metric_values.read(model) if logs is None else logs)
    return logs if return_dict else model._flatten_metrics_in_order(logs)


@_where_it_is
def predict_on_batch(model, x):
    return nest.map_structure(to_numpy, captured_step(model, "predict")((to_tensors(x),)))


def _build(model, adapter, train):
    if checks._needs_build(model):
        checks.build_on(model, adapter.example(), train)
    checks.check_labels(model, adapter)


def _callback_list(model, callbacks, verbose, epochs, steps, add_history=False):
    if isinstance(callbacks, CallbackList):
        return callbacks
    if not callbacks and verbose == 0 and not add_history:
        return _NO_CALLBACKS
    return CallbackList(
        callbacks, add_history=add_history, add_progbar=verbose != 0, verbose=verbose, epochs=epochs, steps=steps, model=model
    )
