"""Every class is written under the module and name that real Keras writes, and every name of Keras's files is found."""

import inspect

import oracle
import pytest

from kerasgpu.configs import public_names

keras = oracle.load()
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]


def test_classes_have_the_names_of_keras():
    from keras.src.api_export import REGISTERED_OBJS_TO_NAMES as theirs

    wanted = {}
    for obj, path in theirs.items():
        if inspect.isclass(obj):
            module, _, name = path.rpartition(".")
            wanted.setdefault(obj.__name__, set()).add((module, name))
    public_names.lookup_class("Dense")
    wrong = {}
    for cls, (module, name) in public_names._backward.items():
        if inspect.isclass(cls) and cls.__name__ in wanted and (module, name) not in wanted[cls.__name__]:
            wrong[cls.__name__] = ((module, name), wanted[cls.__name__])
    assert not wrong


def test_functions_are_known_by_their_names():
    for namespace in ("activations", "losses", "metrics"):
        for name, function in vars(getattr(keras, namespace)).items():
            if inspect.isfunction(function) and name not in ("get", "serialize", "deserialize"):
                assert public_names.lookup_function(function.__name__) is not None, name
