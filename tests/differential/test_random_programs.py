"""Random programs give the same here as on real Keras. `make differential SECONDS=... SEED=...` runs more of them."""

import os
import warnings

import pytest

from tests.differential import comparison, generate, session, steps


def test_programs_depend_on_their_seed_alone():
    texts = [[step.source() for step in generate.program(seed)] for seed in (3, 3, 4)]
    assert texts[0] == texts[1] != texts[2]


def test_smaller_steps_have_one_keyword_less():
    step = steps.call("h", "model.fit", "x", "y", epochs="2", verbose="0")
    assert [s.source() for s in step.smaller()] == ["h = model.fit(x, y, verbose=0)", "h = model.fit(x, y, epochs=2)"]


@pytest.mark.parametrize(
    ("ours", "theirs", "what"),
    [
        ({"loss": [1.0]}, {"loss": [1.0001]}, None),
        ({"loss": [1.0]}, {"loss": [1.1]}, "numbers ['loss'][0]"),
        ({"loss": [1.0]}, {"loss": [1.0], "mae": [2.0]}, "keys of the result"),
        ([1.0], [1.0, 2.0], "length of the result"),
        ("a", "b", "value "),
        ([1.0, float("nan")], [1.0, 2.0], "numbers [1]"),
    ],
)
def test_what_counts_as_a_difference(ours, theirs, what):
    found = comparison.compare(ours, theirs, comparison.TOLERANCE["float32"])
    assert (found and found[0]) == what


@pytest.mark.parity
@pytest.mark.sweep  # `make differential`: with Keras on JAX it still finds differences that nobody has looked into
@pytest.mark.filterwarnings("ignore")
def test_random_programs_agree_with_keras():
    os.environ.setdefault("KERAS_BACKEND", "jax")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keras = pytest.importorskip("keras")
        pytest.importorskip(keras.backend.backend())
    seconds = float(os.environ.get("KERASGPU_DIFFERENTIAL_SECONDS", 170))
    count, findings = session.search(int(os.environ.get("KERASGPU_DIFFERENTIAL_SEED", 0)), seconds, most=100)
    assert count > 0 and not findings, f"{len(findings)} of {count} programs differ:\n" + "\n".join(findings.values())
