"""Every public name of Keras 3.15 is there or raises NotImplementedError that says what to use instead.

`keras_names.txt` lists them, one "namespace name" a line, sorted.
"""

import collections
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from kerasgpu import missing

HERE = Path(__file__).parent
NAMES = [tuple(line.split()) for line in (HERE / "keras_names.txt").read_text().splitlines()]


def ours(namespace):
    return namespace.replace("keras", "kerasgpu", 1)


def find(namespace, name):
    """None if the name is there, else the message of its error."""
    try:
        getattr(importlib.import_module(ours(namespace)), name)
    except NotImplementedError as error:
        return str(error)
    return None


def test_the_list_is_sorted_and_whole():
    assert NAMES == sorted(set(NAMES))
    assert len(NAMES) > 1400


def test_every_name_is_there_or_says_what_to_use():
    there, lacking, bad = collections.Counter(), collections.Counter(), []
    for namespace, name in NAMES:
        try:
            message = find(namespace, name)
        except (AttributeError, ImportError) as error:
            bad.append(f"{namespace}.{name}: {type(error).__name__}: {error}")
            continue
        (there if message is None else lacking)[namespace] += 1
        if message is not None:
            try:
                exec(f"from {ours(namespace)} import {name}", {})
                bad.append(f"{namespace}.{name}: can be imported but not read")
            except NotImplementedError:
                pass
            except ImportError as error:
                bad.append(f"from {namespace} import {name}: {error}")
            hint = message.partition(" is not available in kerasgpu: ")[2]
            if len(hint.split()) < 3:
                bad.append(f"{namespace}.{name}: no hint in {message!r}")
    for namespace in sorted({n for n, _ in NAMES}):
        if lacking[namespace]:
            print(f"{namespace}: {there[namespace]} there, {lacking[namespace]} missing")
    print(f"all: {sum(there.values())} there, {sum(lacking.values())} missing")
    assert not bad, "\n".join(bad)


def test_no_name_is_both_there_and_listed_as_missing():
    both = [f"{p}.{n}" for p, table in missing._TABLES.items() for n in table if n in vars(importlib.import_module(p))]
    assert not both, both


@pytest.mark.parametrize("namespace, name", [("keras.layers", "MultiHeadAttention"), ("keras.applications.vgg16", "VGG16")])
def test_a_missing_name_in_an_import_statement(namespace, name):
    if find(namespace, name) is None:
        pytest.skip(f"{namespace}.{name} is there")
    with pytest.raises(NotImplementedError, match=rf"{namespace}.{name} is not available in kerasgpu: \w+"):
        exec(f"from {ours(namespace)} import {name}")
    assert not hasattr(importlib.import_module(ours(namespace)), name)


def test_small_packages_stay_light():
    code = (
        "import sys, kerasgpu\n"
        "for n in ('applications.vgg16', 'distribution', 'wrappers', 'visualization', 'quantizers', 'legacy', 'export'):\n"
        "    __import__('kerasgpu.' + n)\n"
        "heavy = {'sklearn', 'scipy', 'PIL', 'h5py', 'matplotlib', 'ml_dtypes', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=HERE.parent)
