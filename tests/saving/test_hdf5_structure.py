"""HDF5 files whose structure leads in circles or lies, which would keep the library busy for ever. The walk refuses them first."""

import io
import struct

import h5py
import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.saving.hdf5_structure import Structure
from kerasgpu.saving.reader import BadModelFile
from tests.saving import hostile


def built(libver="earliest", order=False) -> bytes:
    """A file with every structure that is walked: texts, short and long lists of attributes and members, chunks."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=libver, track_order=order) as file:
        for k in range(60):
            group = file.create_group(f"layers/dense_{k}/vars", track_order=order)
            group["0"], group["1"] = np.ones((3, 4), "f4"), np.float32(1)
            group.attrs["name"] = f"dense_{k}"
        for k in range(30):
            file.attrs[f"text {k}"] = "t" * k
        file.attrs["names"] = [f"name {k}" for k in range(600)]
        file.attrs["fixed"] = np.array([b"abc"] * 9)
        file["bool"], file["pairs"] = np.ones(3, bool), np.zeros(3, [("a", "f4"), ("b", "i8")])
        file["texts"] = ["a", "b"]
        if libver == "earliest":
            data = np.random.default_rng(0).normal(size=(100, 30))
            file.create_dataset("packed", data=data, chunks=(7, 9), compression="gzip", shuffle=True, fletcher32=True)
    return buffer.getvalue()


def walk(data) -> int:
    """Objects of a file, after a walk of all of it."""
    structure, seen, left = Structure(io.BytesIO(data), "file"), set(), []
    left.append(structure.root)
    while left:
        address = left.pop()
        if address in seen:
            continue
        seen.add(address)
        found = structure.object(address)
        for attribute in found.attributes.values():
            structure.text_bytes(attribute)
        structure.check_chunks(found, "variable")
        left += [a for a in found.links.values() if a is not None]
    return len(seen)


@pytest.mark.parametrize("order", [False, True])
@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_what_the_library_writes_is_walked_to_its_end(libver, order):
    assert walk(built(libver, order)) == 1 + 1 + 60 * 4 + 3 + (libver == "earliest")


def refused(data, match):
    with pytest.raises(BadModelFile, match=match):
        walk(bytes(data))


def changed(data, at, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


def number(data, at) -> int:
    return struct.unpack("<Q", data[at : at + 8])[0]


def test_a_heap_whose_free_rest_has_no_size():
    """The library would add 0 until the heap is full."""
    data = built()
    heap = data.find(b"GCOL")
    rests = []  # where the free rest of each heap begins
    while heap >= 0:
        at, end = heap + 16, heap + number(data, heap + 8)
        while at + 16 <= end and struct.unpack("<H", data[at : at + 2])[0]:
            at += 16 + (number(data, at + 8) + 7 & ~7)
        rests += [at] if at + 16 <= end else []
        heap = data.find(b"GCOL", heap + 4)
    at = rests[0]
    refused(changed(data, at + 8, bytes(8)), "object 0 twice, or with 0 bytes")


def test_texts_that_overflow_their_heap():
    data = built()
    heap = data.find(b"GCOL")
    for size in (2**64 - 1, 2**63, 10**6):
        refused(changed(data, heap + 24, struct.pack("<Q", size)), "ends too early|has .* bytes, its reference says")
    for size in (0, 16, 4095):
        refused(changed(data, heap + 8, struct.pack("<Q", size)), "has only")
    refused(changed(data, heap + 8, struct.pack("<Q", 2**62)), "outside the file")


def test_trees_that_contain_themselves():
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for k in range(600):  # too many for a tree of one level
            file.create_group(f"{k:03}")
    data = buffer.getvalue()
    at = data.find(b"TREE")
    while data[at + 5] == 0:
        at = data.find(b"TREE", at + 4)
    refused(changed(data, at + 32, struct.pack("<Q", at)), "two places lead to|is on level")


def test_lists_of_free_names_in_circles():
    data = built()
    heap = data.find(b"HEAP")
    free, segment = number(data, heap + 16), number(data, heap + 24)
    refused(changed(data, segment + free, struct.pack("<Q", free)), "free blocks .* lead in circles")


def test_headers_that_continue_in_themselves():
    for libver in ("earliest", "latest"):
        data = built(libver)
        signature = b"OHDR" if libver == "latest" else None
        structure = Structure(io.BytesIO(data), "file")
        root = structure.root
        if signature:
            found = data.find(b"OCHK")
            # The only number in the file that is this address is in the message that continues there.
            at = data.find(struct.pack("<Q", found))
            refused(changed(data, at, struct.pack("<Q", root)), "no part of a header")
        else:
            size = struct.unpack("<I", data[root + 8 : root + 12])[0]
            message = struct.pack("<HHB3xQQ", 16, 16, 0, root + 16, size)
            refused(changed(data, root + 16, message), "two places|more than|ends too early")


def test_chunks_that_expand_without_end():
    import zlib

    data = built()
    bomb = zlib.compress(bytes(3 << 20))
    with h5py.File(io.BytesIO(data), "r") as file:
        chunk = file["packed"].id.get_chunk_info(0)
    assert len(bomb) > chunk.size
    larger = io.BytesIO()
    with h5py.File(larger, "w") as file:
        made = file.create_dataset("x", (4, 4), "f4", chunks=(4, 4), compression="gzip")
        made.id.write_direct_chunk((0, 0), bomb)
    refused(larger.getvalue(), "expands to more than its 64 bytes")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_bytes_changed_at_random_end_the_walk(libver):
    data = built(libver, order=libver == "latest")
    rng = np.random.default_rng(0)
    ends = {True: 0, False: 0}
    for _ in range(150):
        bad = bytearray(data)
        for at in rng.integers(0, len(data), rng.integers(1, 6)):
            bad[at] = rng.choice([0, 1, 255, rng.integers(256)])
        try:
            walk(bytes(bad))
            ends[True] += 1
        except BadModelFile as error:
            assert str(error)
            ends[False] += 1
    assert all(ends.values())


def test_models_in_files_of_every_kind_are_walked(tmp_path):
    """The heap of texts is checked for .h5 files; groups and variables in all formats."""
    model = hostile.model()
    for name in ("m.h5", "m.keras"):
        model.save(tmp_path / name)
        assert keras.saving.load_model(tmp_path / name).count_params() == 26
    data = (tmp_path / "m.h5").read_bytes()
    heap = data.find(b"GCOL")
    (tmp_path / "m.h5").write_bytes(changed(data, heap + 8, struct.pack("<Q", 16)))
    with pytest.raises(BadModelFile, match="has only 16 bytes"):
        keras.saving.load_model(tmp_path / "m.h5")
