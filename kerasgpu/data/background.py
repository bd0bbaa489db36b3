"""Threads that prepare elements ahead of their use: in order, within bounds, and gone when nobody waits for them any more."""

from __future__ import annotations

import atexit
import collections
import concurrent.futures
import threading
import weakref

_feeds: weakref.WeakSet = weakref.WeakSet()


def in_parallel(elements, function, workers: int, ordered: bool = True):
    """function(index, element) for each element, computed by `workers` threads; at most twice as many results wait.

    In the order of the elements, or in that of completion. An error of an element is raised in its turn.
    """
    pool = concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix="kerasgpu-data")
    under_way: collections.deque = collections.deque()
    index, failure, more = 0, None, True
    try:
        while True:
            while more and len(under_way) < 2 * workers:
                try:
                    element = next(elements)
                except StopIteration:
                    more = False
                except Exception as error:  # what came before it is still wanted
                    more, failure = False, error
                else:
                    under_way.append(pool.submit(function, index, element))
                    if index == 0:
                        concurrent.futures.wait(under_way)  # layers in the function are built by one thread
                    index += 1
            if not under_way:
                break
            if not ordered:
                done, _ = concurrent.futures.wait(under_way, return_when=concurrent.futures.FIRST_COMPLETED)
                first = next(k for k, future in enumerate(under_way) if future in done)
                under_way.rotate(-first)
            result = _result(under_way.popleft())
            if not ordered:
                under_way.rotate(first)
            yield result
            del result
        if failure is not None:
            raise failure
    finally:
        failure = None  # its traceback holds this frame
        pool.shutdown(wait=False, cancel_futures=True)
        _close(elements)


def _result(future):
    try:
        return future.result()
    finally:
        del future  # an error's traceback holds this frame, and the future the error


def _close(elements):
    close = getattr(elements, "close", None)
    if close is not None:
        close()


class _Feed:
    """What a thread that runs ahead and its consumer share."""

    def __init__(self, size):
        self.size = size
        self.ready: collections.deque = collections.deque()
        self.changed = threading.Condition()  # over a reentrant lock: a garbage collection may stop the feed from within
        self.done = self.stopped = False
        self.error = None
        self.thread = None

    def fill(self, elements):
        """The work of the thread."""
        try:
            for element in elements:
                with self.changed:
                    while len(self.ready) >= self.size and not self.stopped:
                        self.changed.wait()
                    if self.stopped:
                        break
                    self.ready.append(element)
                    self.changed.notify_all()
                del element
        except BaseException as error:
            self.error = error
        finally:
            _close(elements)
            with self.changed:
                self.done = True
                self.changed.notify_all()

    def take(self):
        """The next element, as a list of one; an empty list at the end."""
        with self.changed:
            while not self.ready and not self.done:
                # A process that was forked has no thread: its copy of this feed will not go on.
                if not self.changed.wait(1.0) and not self.thread.is_alive() and not self.ready and not self.done:
                    raise RuntimeError("the thread that prepares this data set is gone (was the process forked?); iterate anew")
            if self.ready:
                self.changed.notify_all()
                return [self.ready.popleft()]
            error, self.error = self.error, None
        try:
            if error is not None:
                raise error
            return []
        finally:
            del error

    def stop(self):
        with self.changed:
            self.stopped = True
            self.ready.clear()
            self.changed.notify_all()


def ahead(elements, size: int):
    """The elements, of which a thread keeps up to `size` ready. An error is raised where the element would have come."""
    feed = _Feed(size)
    feed.thread = threading.Thread(target=feed.fill, args=(elements,), name="kerasgpu-prefetch", daemon=True)
    _feeds.add(feed)
    try:
        feed.thread.start()
        del elements
        while found := feed.take():
            yield found.pop()
    finally:
        feed.stop()


@atexit.register
def _stop_all():
    """Before the interpreter goes: a thread that is still inside a kernel then would end the process badly."""
    feeds = list(_feeds)
    for feed in feeds:
        feed.stop()
    for feed in feeds:
        if feed.thread is not None and feed.thread.is_alive():
            feed.thread.join(5.0)
