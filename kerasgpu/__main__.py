"""`python -m kerasgpu`: run other people's scripts, and describe this installation."""

from __future__ import annotations

import argparse
import sys


def _parser():
    import kerasgpu

    parser = argparse.ArgumentParser("python -m kerasgpu", description="Keras scripts on kerasgpu; what this installation has.")
    parser.add_argument("--version", action="version", version=kerasgpu.__version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    run = commands.add_parser(
        "run",
        usage="python -m kerasgpu run SCRIPT [ARGS]\n       python -m kerasgpu run -m MODULE [ARGS]",
        help="run a Keras script, module or notebook",
        description="Run a program as Python would. `keras`, `tensorflow.keras` and `tf_keras` are kerasgpu in it, and `tensorflow` has "
        "what Keras scripts commonly take from it.",
        epilog="Of a notebook the code cells run in order; magics and shell lines are left out with a note. The same aliases in "
        "a program of your own: kerasgpu.install(); in Jupyter: %load_ext kerasgpu",
    )
    run.add_argument("-m", dest="module", nargs=argparse.REMAINDER, metavar="MODULE", help="a module and its arguments")
    run.add_argument("target", nargs=argparse.REMAINDER, metavar="SCRIPT", help="a .py or .ipynb file and its arguments")
    info = commands.add_parser("info", help="devices, instruction set, threads, versions, folders; what a GPU would need")
    info.add_argument("--check", action="store_true", help="run every family of kernels once beside NumPy")
    commands.add_parser("version", help="print the version")
    commands.add_parser("help", help="print this")
    return parser, run


def main(argv: list[str] | None = None) -> int:
    args = list(sys.argv[1:] if argv is None else argv)
    parser, run = _parser()
    asked = parser.parse_args(["run", *args] if args[:1] == ["-m"] else args)
    if asked.command == "run":
        from kerasgpu.cli.run import run_module, run_script

        if asked.module:
            return run_module(asked.module[0], asked.module[1:])
        if asked.target:
            return run_script(asked.target[0], asked.target[1:])
        run.print_usage(sys.stderr)
        return 2
    if asked.command == "info":
        from kerasgpu.cli.info import print_info

        return print_info(check=asked.check)
    if asked.command == "version":
        import kerasgpu

        print(kerasgpu.__version__)
        return 0
    parser.print_help(sys.stdout if asked.command == "help" else sys.stderr)
    return 0 if asked.command == "help" else 2


if __name__ == "__main__":
    sys.exit(main())
