"""Copies and arrays of other libraries with CuPy, against a stand-in that writes down what is asked of it."""

import gc
import types

import numpy as np
import pytest

from kerasgpu.kernels.gpu.driver import cupy_driver, exchange, transfer


class FakeEvent:
    def __init__(self, log, disable_timing=False):
        self.log, self.timing = log, not disable_timing
        self.done = False

    def record(self, stream):
        self.log.append(("record", stream.name))

    def synchronize(self):
        self.log.append(("host waits",))
        self.done = True


class FakeStream:
    def __init__(self, log, name, non_blocking=False):
        self.log, self.name, self.non_blocking = log, name, non_blocking
        self.ptr = {"current": 0, "own": 77}[name]

    def wait_event(self, event):
        self.log.append(("wait", self.name))


class FakeArray:
    """Only as much of cupy.ndarray as the driver looks at."""

    def __init__(self, ptr=0x1000, shape=(4,), contiguous=True):
        self.shape, self.dtype, self.size = shape, np.dtype("float32"), int(np.prod(shape))
        self.nbytes = 4 * self.size
        self.data = types.SimpleNamespace(ptr=ptr)
        self.flags = types.SimpleNamespace(c_contiguous=contiguous)
        self.device = types.SimpleNamespace(id=0)

    def copy(self, order):
        assert order == "C"
        return "a copy"

    def __dlpack_device__(self):
        return exchange.CUDA, 0


class FakeDevice:
    entered: list = []

    def __init__(self, index):
        self.index = index

    def __enter__(self):
        FakeDevice.entered.append(self.index)

    def __exit__(self, *exc):
        FakeDevice.entered.pop()


@pytest.fixture
def log():
    return []


@pytest.fixture
def driver(log):
    def memcpy(dst, src, nbytes, kind, stream):
        assert FakeDevice.entered == [0]
        log.append((kind, dst, src, nbytes, stream))

    current = FakeStream(log, "current")
    runtime = types.SimpleNamespace(memcpyAsync=memcpy, memcpyHostToDevice="up", memcpyDeviceToHost="down")
    cuda = types.SimpleNamespace(
        runtime=runtime,
        Device=FakeDevice,
        get_current_stream=lambda: current,
        get_elapsed_time=lambda begin, end: 2.5,
        Stream=lambda non_blocking: FakeStream(log, "own", non_blocking),
        Event=lambda **options: FakeEvent(log, **options),
        alloc_pinned_memory=lambda n: log.append(("pinned", n)) or bytearray(n + 512),
    )
    made = cupy_driver.CupyDriver(lambda: None)
    made.cupy = types.SimpleNamespace(cuda=cuda, ndarray=FakeArray)
    return made


def test_uploads_run_on_a_stream_of_their_own(driver, log):
    copies, compute = driver.copy_queue(0), driver.compute_queue(0)
    assert copies is driver.copy_queue(0) and copies.stream.non_blocking
    host = driver.pinned(16)
    assert host.nbytes == 16 and host.flags.writeable and driver.pinned(0).nbytes == 0
    copies.wait(compute.record())
    copies.upload(FakeArray(), host)
    event = copies.record()
    compute.wait(event)
    assert not event.done() and not event.event.timing
    event.wait()
    assert log == [
        ("pinned", 16),
        ("record", "current"),
        ("wait", "own"),
        ("up", 0x1000, host.ctypes.data, 16, 77),
        ("record", "own"),
        ("wait", "current"),
        ("host waits",),
    ]


def test_events_measure_time_only_when_asked(driver):
    queue = driver.compute_queue(0)
    begin, end = queue.record(timed=True), queue.record(timed=True)
    assert begin.event.timing and end.event.timing and end.since(begin) == 2.5e-3


def test_downloads_wait_once_and_only_when_looked_at(driver, log):
    download = transfer.Download(driver, [FakeArray(0x1000), FakeArray(0x2000, (2, 3)), FakeArray(0x3000, (0,))], 0)
    assert [entry[0] for entry in log] == ["pinned", "down", "down", "record"]
    assert all(entry[-1] == 0 for entry in log[1:3])  # behind the kernels, on their stream
    assert [a.shape for a in download.arrays()] == [(4,), (2, 3), (0,)]
    download.arrays()
    assert log.count(("host waits",)) == 1


def test_no_page_locked_memory_is_a_sentence(driver):
    class Refused(Exception):
        pass

    def refuse(nbytes):
        raise Refused("cudaErrorMemoryAllocation: out of memory")

    driver.cupy.cuda.alloc_pinned_memory = refuse
    driver.cupy.cuda.runtime.CUDARuntimeError = Refused
    with pytest.raises(MemoryError, match=r"gives no 4096 bytes of page-locked memory.*smaller batch"):
        driver.pinned(4096)


def test_memory_of_a_download_is_not_given_away_under_the_copy(driver, log):
    transfer.Download(driver, [FakeArray()], 0)
    gc.collect()
    assert log[-1] == ("host waits",)


class Foreign:
    """A GPU array of another library."""

    def __init__(self, requires_grad=False):
        self.requires_grad = requires_grad

    def __dlpack_device__(self):
        return exchange.CUDA, 0

    def detach(self):
        return Foreign()


class OnlyInterface:
    __cuda_array_interface__ = {"version": 3}


class OnTheHost(Foreign):
    def __dlpack_device__(self):
        return 1, 0

    @property
    def __cuda_array_interface__(self):
        raise RuntimeError("not a CUDA tensor")


def test_arrays_of_others_are_taken_over(driver):
    cupy = driver.cupy
    seen = []
    made = FakeArray()
    cupy.from_dlpack = lambda x: seen.append(("dlpack", x.requires_grad)) or made
    cupy.asarray = lambda x: seen.append("interface") or made
    assert driver.adopt(Foreign()) is made and driver.adopt(Foreign(True)) is made and driver.adopt(OnlyInterface()) is made
    assert seen == [("dlpack", False), ("dlpack", False), "interface"]
    assert driver.adopt(made) is made
    assert driver.adopt(FakeArray(0x1004)) == "a copy" and driver.adopt(FakeArray(contiguous=False)) == "a copy"
    for other in (OnTheHost(), np.zeros(3), 5, "text", None, [1.0]):
        assert driver.adopt(other) is None
