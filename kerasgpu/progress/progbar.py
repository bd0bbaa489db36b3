"""Progbar: the bar on the terminal, and where messages go."""

from __future__ import annotations

import os
import sys
import time

import numpy as np

from kerasgpu import config


def print_message(message, line_break=True):
    """To standard output; to `logging` after keras.config.disable_interactive_logging()."""
    if not config.is_interactive_logging_enabled():
        import logging

        logging.getLogger("kerasgpu").info(message)
        return
    text = f"{message}\n" if line_break else message
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:  # a terminal that has no "━"
        encoding = sys.stdout.encoding or "ascii"
        sys.stdout.write(text.replace("━", "-").encode(encoding, errors="replace").decode(encoding))
    sys.stdout.flush()


class Progbar:
    """Shows how many of `target` steps are done, the time per step, and values.

    Args:
        target: number of steps, None if unknown.
        width: characters of the bar.
        verbose: 0 silent, 1 a bar that is redrawn (one line at the end when the output is no terminal), 2 one line at the end.
        interval: least seconds between two drawings.
        stateful_metrics: names shown as they are; others are averaged over the steps.
        stateless_metrics: instead: names to average; others are shown as they are.
        unit_name: "step", "sample", ...

    >>> from kerasgpu.progress.progbar import Progbar
    >>> bar = Progbar(target=2, verbose=0)
    >>> bar.update(1, [("loss", 0.5)])
    """

    def __init__(
        self, target, width=20, verbose=1, interval=0.05, stateful_metrics=None, stateless_metrics=None, unit_name="step"
    ):
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError(
                "Only one of `stateful_metrics` and `stateless_metrics` can be provided: the other follows from it"
            )
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self.stateful_metrics = None if stateless_metrics is not None else set(stateful_metrics or ())
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self.on_terminal = _is_terminal()
        self._values: dict = {}  # name -> [sum, count]
        self._seen_so_far = 0
        self._start = time.time()
        self._last_drawn = 0.0
        self._after_first_step = None
        self._line_length = 0

    def _is_averaged(self, name) -> bool:
        return name in self.stateless_metrics if self.stateful_metrics is None else name not in self.stateful_metrics

    def update(self, current, values=None, finalize=None):
        """Show that `current` steps are done.

        Args:
            values: list of (name, value of the last step).
            finalize: whether this is the last update; None: when the target is reached.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        for name, value in values or ():
            if not self._is_averaged(name) or finalize:
                self._values[name] = [value, 1]
                continue
            steps = max(current - self._seen_so_far, 1)
            total = self._values.setdefault(name, [0.0, 0])
            total[0] += value * steps
            total[1] += steps
        self._seen_so_far = current
        now = time.time()
        per_step = self._seconds_per_step(current, now)
        if self.verbose == 1 and self.on_terminal:
            if finalize or now - self._last_drawn >= self.interval:
                self._draw(current, now, per_step, finalize)
                self._last_drawn = now
        elif self.verbose in (1, 2) and finalize:
            self._print_line(current, now, per_step)
            self._last_drawn = now

    def add(self, n, values=None):
        """Show that n more steps are done."""
        self.update(self._seen_so_far + n, values)

    def break_line(self):
        """End a half-drawn line."""
        if self._line_length:
            print_message("")
            self._line_length = 0

    # -- what is shown ------------------------------------------------------------------------------------------
    def _draw(self, current, now, per_step, finalize):
        target = self.target
        if target:
            filled = int(self.width * min(current / target, 1.0))
            counts = f"{current:{len(str(target))}d}/{target}"
            line = f"\x1b[1m{counts}\x1b[0m "
            if filled:
                line += f"\x1b[32m{'━' * filled}\x1b[0m"
            line += f"\x1b[37m{'━' * (self.width - filled)}\x1b[0m"
            length = len(counts) + 1 + self.width
        else:
            line = f"{current:7d}/Unknown"
            length = len(line)
        clock = f"{now - self._start:.0f}s" if finalize or not target else _duration(per_step * (target - current))
        rest = f"{self._per_step(per_step)}{self._values_text()}"
        line += f" \x1b[1m{clock}\x1b[0m{rest}"
        length += 1 + len(clock) + len(rest)
        padding = " " * max(0, self._line_length - length)
        print_message("\r" + line + padding + ("\n" if finalize else ""), line_break=False)
        self._line_length = 0 if finalize else length

    def _print_line(self, current, now, per_step):
        counts = f"{current:{len(str(self.target))}d}/{self.target}" if self.target else f"{current}"
        if self.verbose == 2:
            print_message(f"{counts} - {now - self._start:.0f}s -{self._per_step(per_step)}{self._values_text()}")
        else:
            print_message(
                f"{counts} {'━' * self.width} {now - self._start:.0f}s{self._per_step(per_step)}{self._values_text()}"
            )

    def _values_text(self):
        text = ""
        for name, (total, count) in self._values.items():
            value = float(np.mean(total)) / max(1, count)
            text += f" - {name}: {value:.4f}" if abs(value) > 1e-3 else f" - {name}: {value:.4e}"
        return text

    def _per_step(self, seconds):
        if seconds >= 1 or seconds == 0:
            return f" {seconds:.0f}s/{self.unit_name}"
        if seconds >= 1e-3:
            return f" {seconds * 1e3:.0f}ms/{self.unit_name}"
        return f" {seconds * 1e6:.0f}us/{self.unit_name}"

    def _seconds_per_step(self, current, now):
        """The first step (in which programs are recorded) is left out once there are others."""
        if not current:
            return 0.0
        if self._after_first_step is not None and current > 1:
            found = (now - self._after_first_step) / (current - 1)
        else:
            found = (now - self._start) / current
        if current == 1:
            self._after_first_step = now
        return found


def _is_terminal() -> bool:
    if "ipykernel" in sys.modules or "PYCHARM_HOSTED" in os.environ:
        return True
    return bool(getattr(sys.stdout, "isatty", lambda: False)())


def _duration(seconds) -> str:
    seconds = int(seconds)
    if seconds > 3600:
        return f"{seconds // 3600}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"
    return f"{seconds // 60}:{seconds % 60:02d}" if seconds > 60 else f"{seconds}s"
