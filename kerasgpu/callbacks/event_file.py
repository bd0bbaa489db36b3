"""TensorBoard event files: protocol buffers in TFRecord frames, written without TensorFlow.

A frame is: length (uint64), masked CRC-32C of the length, data, masked CRC-32C of the data. The messages (Event, Summary,
TensorProto, SummaryMetadata) are those of tensorboard/compat/proto; only the fields that are needed are encoded.
"""

from __future__ import annotations

import itertools
import os
import socket
import struct
import time
import zlib

import numpy as np

_FLOAT, _DOUBLE, _STRING = 1, 2, 7  # DataType of tensors
_serial = itertools.count()


def _crc_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = (n >> 1) ^ (0x82F63B78 if n & 1 else 0)  # Castagnoli, reflected
        table.append(n)
    return table


_TABLE = _crc_table()


def masked_crc32c(data: bytes) -> int:
    """CRC-32C, rotated and shifted as TFRecord wants it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


# -- protocol buffers -----------------------------------------------------------------------------------------------
def _varint(n: int) -> bytes:
    n &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while n > 0x7F:
        out.append((n & 0x7F) | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def _int(field, n):
    return _varint(field << 3) + _varint(int(n))


def _bytes(field, data):
    data = data.encode() if isinstance(data, str) else data
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _double(field, x):
    return _varint(field << 3 | 1) + struct.pack("<d", x)


def _shape(dims):
    return _bytes(2, b"".join(_bytes(2, _int(1, d)) for d in dims))


def _tensor(dtype, dims, content):
    return _int(1, dtype) + _shape(dims) + content


def _metadata(plugin, content=b"", data_class=0):
    found = _bytes(1, _bytes(1, plugin) + (_bytes(2, content) if content else b""))
    return found + (_int(4, data_class) if data_class else b"")


def _value(tag, tensor, metadata):
    return _bytes(1, _bytes(1, tag) + _bytes(9, metadata) + _bytes(8, tensor))


def scalar(tag, x) -> bytes:
    """Summary with one number."""
    return _value(tag, _tensor(_FLOAT, (), _bytes(4, struct.pack("<f", x))), _metadata("scalars", data_class=1))


def histogram(tag, values, buckets=30) -> bytes:
    """Summary with rows (left edge, right edge, count)."""
    values = np.asarray(values, dtype=np.float64).ravel()
    values = values[np.isfinite(values)]
    if not values.size:
        rows = np.zeros((0, 3))
    elif values.min() == values.max():
        rows = np.array([[values[0] - 0.5, values[0] + 0.5, values.size]])
    else:
        counts, edges = np.histogram(values, bins=buckets)
        rows = np.stack([edges[:-1], edges[1:], counts], axis=1)
    content = _bytes(4, rows.astype("<f8").tobytes())
    return _value(tag, _tensor(_DOUBLE, rows.shape, content), _metadata("histograms", data_class=2))


def image(tag, pixels) -> bytes:
    """Summary with one picture: uint8 (height, width, 1, 3 or 4)."""
    height, width, _ = pixels.shape
    parts = [str(width).encode(), str(height).encode(), _png(pixels)]
    return _value(tag, _tensor(_STRING, (3,), b"".join(_bytes(8, p) for p in parts)), _metadata("images", data_class=3))


def keras_model(tag, json_text) -> bytes:
    """Summary with the config of a model, which the graphs page draws."""
    return _value(tag, _tensor(_STRING, (), _bytes(8, json_text)), _metadata("graph_keras_model", b"1"))


def _png(pixels) -> bytes:
    height, width, channels = pixels.shape

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    color = {1: 0, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class EventFile:
    """Appends events to a new file in a folder."""

    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}.{next(_serial)}.v2"
        self.path = os.path.join(folder, name)
        self._file = open(self.path, "wb")
        self._write(_bytes(3, "brain.Event:2"))

    def add(self, summary: bytes, step: int):
        """Write a summary that belongs to this step."""
        self._write(_int(2, step) + _bytes(5, summary))

    def _write(self, fields):
        data = _double(1, time.time()) + fields
        length = struct.pack("<Q", len(data))
        self._file.write(length + struct.pack("<I", masked_crc32c(length)) + data + struct.pack("<I", masked_crc32c(data)))

    def flush(self):
        self._file.flush()

    def close(self):
        if not self._file.closed:
            self._file.close()
