"""The shim's queues, in the orders that show a missing wait.

Copies late (the default): kernels run when started; an upload fills its destination with 0xFF (NaN) and happens when someone waits
for an event behind it. What reads earlier sees NaN, and what changes the source earlier changes what arrives.

Kernels late (`driver.late = "kernels"`): uploads happen at once, kernels only when the host looks at a value or something waits for an
event behind them. A copy that does not wait for the kernels that read its destination destroys their data.

All late (`driver.late = "all"`): neither happens before the host, or something that it waits for, needs it. Page-locked memory that is
filled again too early goes to the device with the wrong contents.
"""

from __future__ import annotations

import collections
import time

import numpy as np

from kerasgpu.kernels.gpu.driver.transfer import Event, Queue


class Late:
    """Work on the device that is started and not done yet."""

    def __init__(self):
        self.late: str | bool = False
        self._work = collections.deque()
        self._keep: list = []  # memory that it uses
        self.started = 0
        self.waits = 0  # times that the host waited for an event

    def start(self, function):
        self.started += 1
        if self.late:
            self._work.append(function)
        else:
            function()

    def keep(self, array):
        if self.late:
            self._keep.append(array)
        return array

    def finish(self, upto=None):
        """Do what was started, or only the first `upto` pieces of all time."""
        while self._work and (upto is None or self.started - len(self._work) < upto):
            self._work.popleft()()
        if not self._work:
            self._keep.clear()


class ShimEvent(Event):
    def __init__(self, device, copies, upto):
        self._device = device
        self._copies = copies  # before this event
        self._upto = upto  # pieces of the compute queue's work before it
        self._at = time.perf_counter()

    def done(self):
        return False

    def since(self, earlier):
        return self._at - earlier._at

    def come(self):
        self._device.finish(self._upto)
        for copy in self._copies:
            copy()
        self._copies = []

    def wait(self):
        self._device.waits += 1
        self.come()


class _Copy:
    """One upload, which happens once."""

    def __init__(self, target, source):
        self.target, self.source = target, source
        target[...] = 0xFF

    def __call__(self):
        if self.source is not None:
            self.target[...] = self.source
            self.source = None


def flat(array):
    return array.view(np.ndarray).reshape(-1).view(np.uint8)


class ShimQueue(Queue):
    def __init__(self, device: Late, copies: list, in_order: bool):
        self.device = device
        self.log = copies  # (direction, bytes) of every copy
        self.in_order = in_order  # with the kernels
        self.pending: list = []

    def _check(self, what, host, array):
        if array.nbytes != host.nbytes:
            raise ValueError(f"{what} of {host.nbytes} bytes on the host and {array.nbytes} on the device")
        self.log.append((what, host.nbytes))

    def upload(self, array, host):
        self._check("upload", host, array)
        target, source = flat(array), flat(host)
        if self.in_order:
            kept = source.copy()
            self.device.start(lambda: target.__setitem__(..., kept))
        elif self.device.late == "kernels":
            target[...] = source
        else:
            self.pending.append(_Copy(target, source))

    def download(self, host, array):
        self._check("download", host, array)
        target, source = flat(host), flat(array)
        target[...] = 0xFF
        taken: list = []
        if self.in_order:
            self.device.start(lambda: taken.append(source.copy()))
        self.pending.append(lambda: target.__setitem__(..., taken[0] if taken else source))

    def record(self, timed=False):
        copies, self.pending = self.pending, []
        return ShimEvent(self.device, copies, self.device.started if self.in_order else 0)

    def wait(self, event):
        if self.in_order:
            self.device.start(event.come)
        else:
            event.come()
