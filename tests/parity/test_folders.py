"""Which files of a folder come in which order, with which labels, and on which side of a split: as in real Keras."""

import numpy as np
import oracle
import pytest

from kerasgpu.utils import dataset_utils as ours

keras = oracle.load()
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("b", "a", "C", "a/deeper", "c 2"):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        for k in rng.integers(0, 200, 17):
            (tmp_path / name / f"{k}.{rng.choice(['jpg', 'PNG', 'txt'])}").touch()
    return str(tmp_path)


@pytest.mark.parametrize("seed", [0, 1, 1337])
@pytest.mark.parametrize("options", [{}, {"shuffle": False}, {"labels": None}, {"class_names": ["c 2", "a", "b"]}])
def test_order(folder, seed, options):
    from keras.src.utils import dataset_utils as theirs

    arguments = dict({"labels": "inferred", "formats": (".jpg", ".png"), "seed": seed, "verbose": False}, **options)
    paths, labels, names = ours.index_directory(folder, **arguments)
    wanted_paths, wanted_labels, wanted_names = theirs.index_directory(folder, **arguments)
    assert paths == wanted_paths and names == wanted_names and len(paths) > 30
    assert labels is wanted_labels is None or (labels.dtype == wanted_labels.dtype and (labels == wanted_labels).all())
    for subset in ("training", "validation"):
        part, _ = theirs.get_training_or_validation_split(wanted_paths, None, 0.3, subset)
        assert paths[ours.split_of(len(paths), 0.3, subset)] == part


def test_labels_from_a_list(folder):
    from keras.src.utils import dataset_utils as theirs

    files, _, _ = ours.index_directory(folder, None, (".txt",), shuffle=False, verbose=False)
    given = [k % 3 for k in range(len(files))]
    paths, labels, names = ours.index_directory(folder, given, (".txt",), seed=3, verbose=False)
    wanted = theirs.index_directory(folder, list(given), (".txt",), seed=3, verbose=False)
    assert (paths, labels.tolist(), names) == (wanted[0], list(wanted[1]), wanted[2])
    assert given == [k % 3 for k in range(len(files))]  # ours does not shuffle the list that it was given
