"""For all tests: Ctrl-C works, and what was collected is not looked at again by the garbage collector, which some tests call often."""

import gc
import signal


def pytest_configure():
    # A background job of a shell ignores SIGINT, and so do its children: tests that interrupt would wait for ever.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish():
    gc.collect()
    gc.freeze()
