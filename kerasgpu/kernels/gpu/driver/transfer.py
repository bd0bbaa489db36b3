"""Copies between host and GPU that nobody waits for: page-locked host memory, a second stream, events.

    queue = driver.copy_queue(0)             beside the kernels; driver.compute_queue(0): in order with them
    queue.upload(device_array, host_array)   starts; both stay as they are until the event below has come
    event = queue.record()
    driver.compute_queue(0).wait(event)      kernels started from here on see the copy; the host does not wait

`Upload` writes an array in order with the kernels. `Download` brings several small arrays (the sums of metrics) to the host behind what runs, and waits only when they are looked at.
Where a GPU must not overwrite what kernels still read, the copy queue waits for an event of the compute queue.
"""

from __future__ import annotations

import numpy as np

ALIGNMENT = 64


class Event:
    """A point in a queue."""

    def done(self) -> bool:
        """Whether the GPU has passed it; does not wait."""
        raise NotImplementedError

    def wait(self) -> None:
        """Let the host wait for it."""
        raise NotImplementedError

    def since(self, earlier: Event) -> float:
        """Seconds of the GPU's clock between an earlier event and this one; both recorded as timed, and both have come."""
        raise NotImplementedError


class Queue:
    """Work that runs in order on a GPU."""

    def upload(self, array, host: np.ndarray) -> None:
        """Start copying a host array (page-locked, or the host waits) into a GPU array of as many bytes."""
        raise NotImplementedError

    def download(self, host: np.ndarray, array) -> None:
        """Start copying a GPU array into a host array of as many bytes."""
        raise NotImplementedError

    def record(self, timed: bool = False) -> Event:
        """The event of everything started here so far; timed ones know when they came."""
        raise NotImplementedError

    def wait(self, event: Event) -> None:
        """Start nothing more here before the event, of another queue, has come. The host does not wait."""
        raise NotImplementedError


def places(arrays) -> tuple[list[int], int]:
    """Where each array begins in one block of memory, and how long that is."""
    starts, total = [], 0
    for a in arrays:
        starts.append(total)
        total += -(-a.nbytes // ALIGNMENT) * ALIGNMENT
    return starts, total


def views(block: np.ndarray, specs, starts) -> list[np.ndarray]:
    """Arrays of these (shape, dtype) in a block of bytes."""
    found = []
    for (shape, dtype), at in zip(specs, starts):
        nbytes = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        found.append(block[at : at + nbytes].view(dtype).reshape(shape))
    return found


class _Pinned:
    """Owner of page-locked memory that copies may be under way to or from."""

    _event: Event | None = None  # of the last copy

    def __del__(self):
        # The memory may be given away at once: the copy must have ended.
        if self._event is not None:
            try:
                self._event.wait()
            except Exception:  # the process may be ending
                pass


class Download(_Pinned):
    """Copies of GPU arrays, as they are when what was started before has run. `arrays()` waits for them.

    Args:
        driver: the driver in use.
        arrays: GPU arrays; they may be written again by what is started later.
        index: their GPU.
    """

    def __init__(self, driver, arrays, index: int):
        starts, total = places(arrays)
        queue = driver.compute_queue(index)
        self._hosts = views(driver.pinned(total), [(a.shape, a.dtype) for a in arrays], starts)
        for host, a in zip(self._hosts, arrays):
            if a.nbytes:
                queue.download(host, a)
        self._event = queue.record()

    def done(self) -> bool:
        return self._event is None or self._event.done()

    def arrays(self) -> list[np.ndarray]:
        """NumPy arrays of their own; waits until the copies are there."""
        if self._event is not None:
            self._event.wait()
            self._event = None
            self._hosts = [np.array(h) for h in self._hosts]  # page-locked memory goes back to its pool
        return self._hosts


class Upload(_Pinned):
    """Page-locked memory of a GPU array, through which it is written in order with the kernels; the host does not wait for them."""

    def __init__(self, driver, array):
        self._array = array
        self._host = driver.pinned(array.nbytes).view(array.dtype).reshape(array.shape)
        self._queue = driver.compute_queue(driver.index_of(array))

    def start(self, values) -> None:
        if self._event is not None:
            self._event.wait()
        self._host[...] = values
        self._queue.upload(self._array, self._host)
        self._event = self._queue.record()


# -- CuPy -----------------------------------------------------------------------------------------------------------
class CupyEvent(Event):
    def __init__(self, event, elapsed):
        self.event = event
        self._elapsed = elapsed

    def done(self):
        return self.event.done

    def wait(self):
        self.event.synchronize()

    def since(self, earlier):
        return 1e-3 * self._elapsed(earlier.event, self.event)


class CupyQueue(Queue):
    """A stream of CuPy; None: the one that is current, on which kernels run."""

    def __init__(self, cupy, index: int, stream=None):
        self.cupy = cupy
        self.index = index
        self._stream = stream

    @property
    def stream(self):
        return self._stream or self.cupy.cuda.get_current_stream()

    def upload(self, array, host):
        runtime = self.cupy.cuda.runtime
        with self.cupy.cuda.Device(self.index):
            runtime.memcpyAsync(array.data.ptr, host.ctypes.data, array.nbytes, runtime.memcpyHostToDevice, self.stream.ptr)

    def download(self, host, array):
        runtime = self.cupy.cuda.runtime
        with self.cupy.cuda.Device(self.index):
            runtime.memcpyAsync(host.ctypes.data, array.data.ptr, array.nbytes, runtime.memcpyDeviceToHost, self.stream.ptr)

    def record(self, timed=False):
        with self.cupy.cuda.Device(self.index):
            event = self.cupy.cuda.Event(disable_timing=not timed)
            event.record(self.stream)
        return CupyEvent(event, self.cupy.cuda.get_elapsed_time)

    def wait(self, event):
        with self.cupy.cuda.Device(self.index):
            self.stream.wait_event(event.event)


def cupy_copy_queue(cupy, index: int) -> CupyQueue:
    """A queue of its own that does not wait for the default stream."""
    with cupy.cuda.Device(index):
        return CupyQueue(cupy, index, cupy.cuda.Stream(non_blocking=True))


def cupy_pinned(cupy, nbytes: int) -> np.ndarray:
    """Page-locked bytes from CuPy's pool; they go back to it with the last array that looks at them."""
    if not nbytes:
        return np.empty(0, np.uint8)
    try:
        memory = cupy.cuda.alloc_pinned_memory(nbytes)
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise MemoryError(
            f"the system gives no {nbytes} bytes of page-locked memory, through which batches go to the GPU ({error}). Use a "
            "smaller batch or smaller steps_per_execution"
        ) from None
    return np.frombuffer(memory, np.uint8, nbytes)
