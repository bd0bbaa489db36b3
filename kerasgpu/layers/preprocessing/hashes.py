"""The hashes that put strings and numbers into bins, the same on every machine and as in TensorFlow, so that saved models agree.

fingerprint: FarmHash Fingerprint64 (Pike 2014, https://github.com/google/farmhash); keyed: SipHash-2-4 (Aumasson and Bernstein
2012); combined: how a cross of features chains two fingerprints.
"""

from __future__ import annotations

import numpy as np

_ALL = (1 << 64) - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
_CAT = 0xC6A4A7935BD1E995
CROSS_KEY = 0xDECAFCAFFE


def _turn(x, by):
    x &= _ALL
    return (x >> by | x << (64 - by)) & _ALL


def _left(x, by):
    return _turn(x, 64 - by)


def _fold(x):
    x &= _ALL
    return x ^ (x >> 47)


def _pair(u, v, multiplier):
    a = _fold((u ^ v) * multiplier)
    return _fold((v ^ a) * multiplier) * multiplier & _ALL


def _word(data, at, size=8):
    return int.from_bytes(data[at : at + size], "little")


def _short(data, n):
    if n >= 8:
        m, a, b = _K2 + 2 * n, _word(data, 0) + _K2, _word(data, n - 8)
        return _pair((_turn(b, 37) * m + a) & _ALL, (_turn(a, 25) + b) * m & _ALL, m)
    if n >= 4:
        return _pair(n + (_word(data, 0, 4) << 3), _word(data, n - 4, 4), _K2 + 2 * n)
    if n:
        return _fold((data[0] + (data[n >> 1] << 8)) * _K2 ^ (n + (data[n - 1] << 2)) * _K0) * _K2 & _ALL
    return _K2


def _middle(data, n):
    """17 to 64 bytes."""
    m = _K2 + 2 * n
    a, b = _word(data, 0) * (_K1 if n <= 32 else _K2), _word(data, 8)
    c, d = _word(data, n - 8) * m, _word(data, n - 16) * _K2
    first, second = _turn(a + b, 43) + _turn(c, 30) + d, a + _turn(b + _K2, 18) + c
    z = _pair(first & _ALL, second & _ALL, m)
    if n <= 32:
        return z
    e, f = _word(data, 16) * m, _word(data, 24)
    g, h = (first + _word(data, n - 32)) * m, (z + _word(data, n - 24)) * m
    return _pair((_turn(e + f, 43) + _turn(g, 30) + h) & _ALL, (e + _turn(f + a, 18) + g) & _ALL, m)


def _mix_32(data, at, a, b):
    w, x, y, z = (_word(data, at + k) for k in (0, 8, 16, 24))
    a += w
    b = _turn(b + a + z, 21)
    c = a
    a += x + y
    return (a + z) & _ALL, (b + _turn(a, 44) + c) & _ALL


def _long(data, n):
    x, y = 81, 81 * _K1 + 113 & _ALL
    z = _fold(y * _K2 + 113) * _K2 & _ALL
    v = w = (0, 0)
    x = x * _K2 + _word(data, 0)
    blocks = (n - 1) // 64

    def step(at, x, y, z, v, w, m, last):
        x = _turn(x + y + v[0] + _word(data, at + 8), 37) * m
        y = _turn(y + v[1] + _word(data, at + 48), 42) * m
        x ^= w[1] * (9 if last else 1)
        y += v[0] * (9 if last else 1) + _word(data, at + 40)
        z = _turn(z + w[0], 33) * m
        x, y, z = x & _ALL, y & _ALL, z & _ALL
        v = _mix_32(data, at, v[1] * m, x + w[0])
        w = _mix_32(data, at + 32, z + w[1], y + _word(data, at + 16))
        return z, y, x, v, w

    for k in range(blocks):
        x, y, z, v, w = step(64 * k, x, y, z, v, w, _K1, False)
    m = _K1 + ((z & 0xFF) << 1)
    w = (w[0] + ((n - 1) & 63), w[1])
    v = (v[0] + w[0], v[1])
    w = (w[0] + v[0], w[1])
    x, y, z, v, w = step(n - 64, x, y, z, v, w, m, True)
    first = _pair(v[0], w[0], m) + _fold(y) * _K0 + z
    return _pair(first & _ALL, (_pair(v[1], w[1], m) + x) & _ALL, m)


def fingerprint(data: bytes) -> int:
    """FarmHash Fingerprint64.

    >>> fingerprint(b"A") % 3
    1
    """
    n = len(data)
    return _short(data, n) if n <= 16 else _middle(data, n) if n <= 64 else _long(data, n)


def keyed(data: bytes, key) -> int:
    """SipHash-2-4 with a key of two 64-bit numbers."""
    k0, k1 = key[0] & _ALL, key[1] & _ALL
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rounds(count):
        for _ in range(count):
            v[0] = v[0] + v[1] & _ALL
            v[1] = _left(v[1], 13) ^ v[0]
            v[0] = _left(v[0], 32)
            v[2] = v[2] + v[3] & _ALL
            v[3] = _left(v[3], 16) ^ v[2]
            v[0] = v[0] + v[3] & _ALL
            v[3] = _left(v[3], 21) ^ v[0]
            v[2] = v[2] + v[1] & _ALL
            v[1] = _left(v[1], 17) ^ v[2]
            v[2] = _left(v[2], 32)

    whole = len(data) // 8 * 8
    words = [_word(data, at) for at in range(0, whole, 8)] + [_word(data, whole) | (len(data) & 0xFF) << 56]
    for word in words:
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def combined(one: int, other: int) -> int:
    """Two fingerprints as one; the order matters."""
    out = (one ^ _CAT) ^ _fold(other * _CAT) * _CAT
    return _fold(_fold(out * _CAT) * _CAT)


def as_bytes(x) -> bytes:
    """A string as UTF-8, or the decimal digits of an integer."""
    return x if isinstance(x, bytes) else str(x).encode()


def bins(values, count, key=None):
    """The bin, below `count`, of each string or integer of an array: int64 of its shape."""
    flat = np.asarray(values).ravel().tolist()
    found = {x: (fingerprint(as_bytes(x)) if key is None else keyed(as_bytes(x), key)) % count for x in set(flat)}
    return np.array([found[x] for x in flat], "int64").reshape(np.shape(values))
