"""Automatic names start anew before each test, here and in Keras, so that configs can be compared in any order of tests."""

import sys

import pytest

import kerasgpu


@pytest.fixture(autouse=True)
def fresh_names():
    kerasgpu.backend.clear_session(free_memory=False)
    if "keras" in sys.modules:
        sys.modules["keras"].backend.clear_session(free_memory=False)
