"""Locks that a forked process finds open: the threads that held them in the parent are not there."""

from __future__ import annotations

import os
import threading
import weakref

_owners: weakref.WeakSet = weakref.WeakSet()


def renewed(owner) -> None:
    """Call `owner.after_fork()` in each process that is forked from this one, as long as the owner lives."""
    _owners.add(owner)


class Lock:
    """threading.Lock (or what `make` makes) as a context manager; open in a forked process, whoever held it in the parent."""

    def __init__(self, make=threading.Lock):
        self._make = make
        self.after_fork()
        renewed(self)

    def after_fork(self):
        self._inner = self._make()
        self.acquire, self.release = self._inner.acquire, self._inner.release

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *exc):
        self.release()


def _renew_all():
    for owner in list(_owners):
        owner.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
