"""keras.tree."""

from collections import OrderedDict, deque, namedtuple

import pytest

from kerasgpu import tree

Point = namedtuple("Point", ["x", "y"])
NESTED = {"b": [1, (2, None)], "a": Point(3, deque([4]))}


def test_flatten_and_pack():
    assert tree.flatten(NESTED) == [3, 4, 1, 2, None]
    assert tree.flatten(5) == [5] and tree.flatten([]) == []
    assert tree.flatten(OrderedDict([("b", 1), ("a", 2)])) == [1, 2]
    packed = tree.pack_sequence_as(NESTED, "vwxyz")
    assert packed == {"b": ["x", ("y", "z")], "a": Point("v", deque(["w"]))} and list(packed) == ["b", "a"]
    assert [path for path, _ in tree.flatten_with_path(NESTED)] == [("a", 0), ("a", 1, 0), ("b", 0), ("b", 1, 0), ("b", 1, 1)]
    for wrong in ([1], range(9)):
        with pytest.raises(ValueError, match="leaves"):
            tree.pack_sequence_as(NESTED, wrong)


def test_maps():
    assert tree.map_structure(lambda x, y: (x, y), [1, {"a": 2}], [3, {"a": 4}]) == [(1, 3), {"a": (2, 4)}]
    assert tree.map_structure(lambda x: x + 1, [1, None], none_is_leaf=False) == [2, None]
    assert tree.map_structure_up_to([0, [0]], str, [(1, 2), [{"a": 3}]]) == ["(1, 2)", ["{'a': 3}"]]
    assert tree.lists_to_tuples([1, [2, {"a": [3]}]]) == (1, (2, {"a": (3,)}))
    assert tree.map_shape_structure(len, {"a": (None, 2), "b": [(1, 2, 3)]}) == {"a": 2, "b": [3]}
    for other in ([1], (1, 2), {"a": 1}, [1, [2]]):
        with pytest.raises(ValueError, match="structure"):
            tree.map_structure(lambda x, y: x, [1, 2], other)


def test_traverse():
    seen = []
    tree.traverse(lambda x: seen.append(x), [1, (2,)])
    assert seen == [[1, (2,)], 1, (2,), 2]
    assert tree.traverse(lambda x: tree.MAP_TO_NONE if x == 2 else None, [1, (2,)]) == [1, (None,)]
    assert tree.traverse(lambda x: sum(x) if isinstance(x, list) else None, [1, [2, 3]], top_down=False) == 6
    with pytest.raises(TypeError, match="callable"):
        tree.traverse(1, [])


def test_assertions():
    tree.assert_same_structure({"a": 1}, OrderedDict(a=2))
    tree.assert_same_paths([1, 2], (3, 4))
    with pytest.raises(ValueError, match="structure"):
        tree.assert_same_structure([1, 2], (1, 2))
    with pytest.raises(ValueError, match="Paths in `a`"):
        tree.assert_same_paths([1, 2], [1])
    assert tree.is_nested(deque()) and not tree.is_nested("ab") and not tree.is_nested({1, 2})
