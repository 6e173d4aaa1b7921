"""CRC-64/XZ, the checksum of object storage.

Python has no function for it, but its module for XZ files is mostly linked with a library that has
one. Where it is not, the checksum is computed here, some hundred times slower.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

_POLYNOMIAL = 0xC96C5795D7870F42
_ONES = 2**64 - 1


def crc64(data: bytes, before: int = 0) -> int:
    """Return the checksum of the data; `before` is the checksum of the data in front of it."""
    return _function()(data, before)


@cache
def _function() -> Callable[[bytes, int], int]:
    """Return the library's function, or the one below if the library cannot be reached."""
    try:
        # Not every Python has this module, and not in every one is it a file that can be opened.
        import _lzma  # noqa: PLC0415

        function = ctypes.CDLL(_lzma.__file__).lzma_crc64
    except (ImportError, OSError, AttributeError):
        return slow_crc64
    function.restype = ctypes.c_uint64
    function.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64)
    return lambda data, before: int(function(data, len(data), before))


def slow_crc64(data: bytes, before: int = 0) -> int:
    """Return the same checksum, without the library."""
    table, crc = _table(), before ^ _ONES
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ _ONES


@cache
def _table() -> tuple[int, ...]:
    table = []
    for crc in range(256):
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)  # noqa: PLW2901
        table.append(crc)
    return tuple(table)
