"""Runs random programs against real Keras. `python -m tests.differential SEED SECONDS`; KERAS_BACKEND chooses the oracle's backend.

Prints each finding as a few lines of Python with both results; one finding per kind."""

import sys

from tests.differential import session

if __name__ == "__main__":
    seed, seconds = int(sys.argv[1]), float(sys.argv[2])
    count, findings = session.search(seed, seconds, show=lambda text: print(text, flush=True))
    print(f"{count} programs, {len(findings)} findings")
    sys.exit(bool(findings))
