"""ProgbarLogger: the progress bar of fit, evaluate and predict."""

from __future__ import annotations

from kerasgpu.callbacks.callback import Callback
from kerasgpu.progress.logs import read_logs
from kerasgpu.progress.progbar import Progbar, print_message


class ProgbarLogger(Callback):
    """Prints the progress of the epoch and its metrics; added to fit() by itself unless verbose=0.

    On a terminal the bar is redrawn at most ten times a second, and metrics are read only then. Elsewhere (a file, a pipe) one
    line is printed per epoch.
    """

    def __init__(self):
        super().__init__()
        self.seen = 0
        self.progbar = None
        self.target = None
        self.verbose = 1
        self.epochs = 1
        self._in_fit = False

    def set_params(self, params):
        verbose = params["verbose"]
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.epochs = params["epochs"]
        self.target = params["steps"]

    @property
    def _logs_of_batches(self):
        return "deferred" if self.verbose == 1 else "unused"

    def is_live(self, mode) -> bool:
        """Whether the loop should call `show` while steps run."""
        return self.verbose == 1 and not (mode == "test" and self._in_fit) and Progbar(None).on_terminal

    def show(self, steps, runner):
        """Redraw the bar after this many steps; reads the metrics."""
        self.seen = steps
        if self.progbar is not None:
            logs = {} if runner.mode == "predict" else runner.logs()
            self.progbar.update(steps, list(logs.items()), finalize=False)

    def on_train_begin(self, logs=None):
        self._in_fit = True

    def on_train_end(self, logs=None):
        self._in_fit = False

    def on_epoch_begin(self, epoch, logs=None):
        self._start()
        if self.verbose and self.epochs > 1:
            print_message(f"Epoch {epoch + 1}/{self.epochs}")

    def on_test_begin(self, logs=None):
        if not self._in_fit:
            self._start()

    def on_predict_begin(self, logs=None):
        self._start()

    def _start(self):
        self.seen = 0
        self.progbar = Progbar(target=self.target, verbose=self.verbose, unit_name="step", stateless_metrics=set())

    def on_train_batch_end(self, batch, logs=None):
        self._update(batch, logs)

    def on_test_batch_end(self, batch, logs=None):
        if not self._in_fit:
            self._update(batch, logs)

    def on_predict_batch_end(self, batch, logs=None):
        self._update(batch, None)

    def _update(self, batch, logs):
        if self.progbar is None:
            self._start()
        self.seen = batch + 1
        if self.verbose == 1:
            self.progbar.update(self.seen, list(read_logs(logs).items()), finalize=False)

    def on_epoch_end(self, epoch, logs=None):
        self._finish(logs)

    def on_test_end(self, logs=None):
        if not self._in_fit:
            self._finish(logs)

    def on_predict_end(self, logs=None):
        self._finish(None)

    def _finish(self, logs):
        if self.progbar is None:
            return
        if self.target is None:
            self.target = self.progbar.target = self.seen
        self.progbar.update(self.target or self.seen, list((logs or {}).items()), finalize=True)

    def _on_interrupt(self):
        if self.progbar is not None:
            self.progbar.break_line()
        self._in_fit = False
