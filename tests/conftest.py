"""For all tests: what was collected is not looked at again by the garbage collector, which some tests call often."""

import gc


def pytest_collection_finish():
    gc.collect()
    gc.freeze()
