"""`python -m kerasgpu`: run other people's scripts, and describe this installation."""

from __future__ import annotations

import sys

USAGE = """usage: python -m kerasgpu COMMAND

  run SCRIPT [ARGS]   run a Keras script; `keras`, `tensorflow.keras` and `from tensorflow import keras` are kerasgpu in it
  -m MODULE [ARGS]    the same for a module
  info [--check]      devices, instruction set, threads, versions, folders; what a GPU would need; --check runs a self-test
  --version           print the version
"""


def main(argv: list[str] | None = None) -> int:
    args = list(sys.argv[1:] if argv is None else argv)
    command = args[0] if args else ""
    if command == "run" and len(args) > 1:
        from kerasgpu.cli.run import run_script

        return run_script(args[1], args[2:])
    if command == "-m" and len(args) > 1:
        from kerasgpu.cli.run import run_module

        return run_module(args[1], args[2:])
    if command == "info" and set(args[1:]) <= {"--check"}:
        from kerasgpu.cli.info import print_info

        return print_info(check="--check" in args)
    if command in ("--version", "version"):
        import kerasgpu

        print(kerasgpu.__version__)
        return 0
    print(USAGE, end="", file=sys.stdout if command in ("-h", "--help", "help") else sys.stderr)
    return 0 if command in ("-h", "--help", "help") else 2


if __name__ == "__main__":
    sys.exit(main())
