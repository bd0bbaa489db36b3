"""The loops of fit, evaluate and predict: epochs, callbacks, validation, and how many steps run between two looks at them.

Who owns which argument of `fit` (of `evaluate` and `predict` in the same way):

    x, y, sample_weight          Data       adapters/: arrays, generators, data sets become batches of tensors
    batch_size, shuffle          Data       adapters/: the size of batches, the order of samples
    class_weight                 Data       adapters/: becomes sample weights
    steps_per_epoch, steps       Data       source.py: where an epoch ends; the adapter checks it against the data
    validation_data, _split      HeldOut    arguments.py: a split moves the last samples out of Data before there is an adapter
    validation_steps,            HeldOut    _Validation: the Data of its own runner
      validation_batch_size
    validation_freq              HeldOut    _Validation.is_due
    epochs, initial_epoch                   fit: the range of its loop; a backup may set a later start
    callbacks                    Watchers   callbacks/callback_list.py: calls those that have the hook
    verbose                      Watchers   callbacks/progbar_logger.py: one more callback
    return_dict                             evaluate: the form of the result

`compile` owns what a step is (optimizer, loss, metrics: steps.py) and how steps run (run_eagerly, steps_per_execution: runners/).
Read on from `fit` at the end of this file; `StepLoop` is the inside of an epoch.
"""

from __future__ import annotations

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
from kerasgpu.training.adapters.convert import to_tensors
from kerasgpu.training.adapters.pack import class_weight_to_sample_weights
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
        while ran := self.runner.run(ALL):
            done += ran
            if self._stopped():
                break
        return done

    def _stopped(self):
        return getattr(self.model, self.stop_flag, False)

    def _with_hooks(self, step):
        runner, predict, deferred = self.runner, self.mode == "predict", self.callbacks.defers_logs(self.mode)
        while runner.has_next():
            self.begin(step)
            ran = runner.run(self.chunk)
            if predict:
                logs = {"outputs": runner.last_outputs()}
            else:
                logs = runner.logs if deferred else runner.logs()
            self.end(step + self.chunk - 1, logs)
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


class _Validation:
    """The validation of fit: its runner is made once and used in every epoch."""

    def __init__(self, model, held_out, batch_size):
        frequency = held_out.frequency
        frequency = int(frequency) if is_whole_number(frequency) else frequency
        if frequency == 0 or not isinstance(frequency, (int, list, tuple, set)) or isinstance(frequency, bool):
            raise ValueError(
                "Expected `validation_freq` to be a list or int of at least 1. Received: "
                f"validation_freq={frequency} of the type {type(frequency)}."
            )
        self.model = model
        self.frequency = frequency
        self.data = held_out.as_data(batch_size)
        adapter = get_data_adapter(*self.data)
        checks.check_labels(model, adapter)
        self.runner = make_runner(model, "test", adapter, self.data.steps)
        self.loop = None
        self.overridden = model._evaluate_is_overridden()

    def is_due(self, epoch) -> bool:
        if isinstance(self.frequency, int):
            return (epoch + 1) % self.frequency == 0
        return epoch + 1 in self.frequency

    def run(self, callbacks) -> dict:
        if self.overridden:
            x, y, weight, batch_size, steps = self.data[:5]
            arguments = dict(x=x, y=y, sample_weight=weight, batch_size=batch_size, steps=steps, return_dict=True)
            return self.model.evaluate(**arguments, callbacks=callbacks, _use_runner=self.runner)
        if self.loop is None:
            self.loop = StepLoop(self.model, "test", self.runner, callbacks)
        return _evaluate_loop(self.model, self.loop, callbacks, in_fit=True)

    def close(self):
        self.runner.close()


class _Open:
    """Context manager of a loop: an exception tells the callbacks, and in any case these runners let go of their data."""

    def __init__(self, callbacks, *runners):
        self.callbacks, self.runners = callbacks, runners

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        try:
            if kind is not None:
                self.callbacks.on_interrupt()
        finally:
            for runner in self.runners:
                if runner is not None:
                    runner.close()


def _where_it_is(model):
    """Context manager: the loop runs on the device of the model, so that what its steps make lies beside the weights."""
    return devices.device(device_of(model))


def fit(model, data, held_out, watchers, epochs, initial_epoch):
    """See Trainer.fit. `data`, `held_out` and `watchers` are what `arguments` makes of its arguments."""
    epochs, initial_epoch = _checked_epochs(epochs), int(initial_epoch)
    with _where_it_is(model):
        data, held_out = held_out.taken_from(data)
        adapter = get_data_adapter(*data)
        _build(model, adapter, train=True)
        runner = make_runner(model, "train", adapter, data.steps)
        validation = None if held_out.data is None else _Validation(model, held_out, data.batch_size)
        callbacks = _callback_list(model, watchers, runner.num_batches, epochs, add_history=True)
        model.stop_training = False
        resuming.attach(callbacks, runner, validation)
        logs: dict = {}
        with _Open(callbacks, runner, validation):
            callbacks.on_train_begin()
            loop = StepLoop(model, "train", runner, callbacks)
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
        if epochs > 0 and hasattr(getattr(model, "optimizer", None), "finalize_variable_values"):
            model.optimizer.finalize_variable_values(model.trainable_weights)
        callbacks.on_train_end(logs)
        return model.history


def _checked_epochs(epochs) -> int:
    if not is_whole_number(epochs):
        raise ValueError(f"`epochs` must be an integer. Received: epochs={epochs!r} (of type {type(epochs).__name__})")
    limit = config.max_epochs()
    if limit and limit < epochs:
        warnings.warn(f"Limiting epochs to {limit}", stacklevel=4)
        return limit
    return int(epochs)


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
            stacklevel=5,
        )
        loop.runner.end_epoch()
        callbacks.on_test_end({})
        return {}
    logs = loop.runner.epoch_logs()
    loop.runner.end_epoch()
    callbacks.on_test_end(logs)
    return logs


def evaluate(model, data, watchers, return_dict, runner=None):
    """See Trainer.evaluate. A `runner` that is passed is used and left open: the validation of fit keeps its own."""
    with _where_it_is(model):
        own = runner is None
        if own:
            adapter = get_data_adapter(*data)
            _build(model, adapter, train=False)
            runner = make_runner(model, "test", adapter, data.steps)
        callbacks = _callback_list(model, watchers, runner.num_batches)
        with _Open(callbacks, runner if own else None):
            logs = _evaluate_loop(model, StepLoop(model, "test", runner, callbacks), callbacks)
        return logs if return_dict else model._flatten_metrics_in_order(logs)


def predict(model, data, watchers):
    """See Trainer.predict."""
    with _where_it_is(model):
        runner = make_runner(model, "predict", get_data_adapter(*data), data.steps)
        if runner.num_batches == 1 and watchers.verbose == "auto":
            watchers = watchers._replace(verbose=0)
        callbacks = _callback_list(model, watchers, runner.num_batches)
        model.__dict__["stop_predicting"] = False
        with _Open(callbacks, runner):
            callbacks.on_predict_begin()
            runner.begin_epoch()
            StepLoop(model, "predict", runner, callbacks).run_epoch()
            outputs = runner.outputs()
            runner.end_epoch()
        callbacks.on_predict_end()
        return outputs


def on_batch(model, mode, data, return_dict):
    """train_on_batch and test_on_batch: `data` is one batch."""
    with _where_it_is(model):
        sample_weight = data.sample_weight
        if data.class_weight is not None:
            if sample_weight is not None:
                raise ValueError(
                    "Arguments `sample_weight` and `class_weight` cannot be specified at the same time. Received: "
                    f"sample_weight={sample_weight}, class_weight={data.class_weight}"
                )
            sample_weight = class_weight_to_sample_weights(data.y, data.class_weight)
        batch = tuple(to_tensors(part) for part in (data.x, data.y, sample_weight))
        checks.build_on(model, batch, train=mode == "train")
        check = checks.label_check(model)
        if check is not None:
            check(batch)
        model.reset_metrics()
        logs = captured_step(model, mode)(batch)
        logs = pythonify_logs(metric_values.read(model) if logs is None else logs)
        return logs if return_dict else model._flatten_metrics_in_order(logs)


def predict_on_batch(model, x):
    """See Trainer.predict_on_batch."""
    with _where_it_is(model):
        return nest.map_structure(to_numpy, captured_step(model, "predict")((to_tensors(x),)))


def _build(model, adapter, train):
    if checks._needs_build(model):
        checks.build_on(model, adapter.example(), train)
    checks.check_labels(model, adapter)


def _callback_list(model, watchers, steps, epochs=1, add_history=False):
    callbacks, verbose = watchers
    if isinstance(callbacks, CallbackList):
        return callbacks
    if not callbacks and verbose == 0 and not add_history:
        return _NO_CALLBACKS
    return CallbackList(
        callbacks, add_history=add_history, add_progbar=verbose != 0, verbose=verbose, epochs=epochs, steps=steps, model=model
    )
