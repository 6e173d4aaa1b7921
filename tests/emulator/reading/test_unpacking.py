"""Packed bodies: unpacked in small pieces, or refused."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliocr.emulator.reading.unpacking import UNPACKED_AT_ONCE, Unpacker, UnpackError


def raw_deflate(data: bytes) -> bytes:
    """Without the header of zlib, as some hosts send it."""
    return zlib.compress(data, wbits=-zlib.MAX_WBITS)


def in_members(data: bytes) -> bytes:
    """In three parts, one after the other, one of them empty, and with padding behind them."""
    half = len(data) // 2
    return b"".join(map(gzip.compress, (data[:half], b"", data[half:]))) + bytes(9)


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.compress,
    "X-GZip": gzip.compress,
    "deflate": zlib.compress,
    " Deflate ": raw_deflate,
}


@pytest.mark.parametrize(
    ("encoding", "pack"), [*PACKED.items(), ("gzip", in_members)], ids=[*PACKED, "members"]
)
@given(data=st.binary(max_size=3_000), cut=st.integers(1, 500))
def test_what_was_packed_is_unpacked(
    encoding: str, pack: Callable[[bytes], bytes], data: bytes, cut: int
) -> None:
    """With any chunks, any case of the header, and one member of gzip or several."""
    packed = pack(data)
    unpacker = Unpacker(encoding)
    chunks = (packed[at : at + cut] for at in range(0, len(packed), cut))
    assert b"".join(piece for chunk in chunks for piece in unpacker.unpacked(chunk)) == data
    unpacker.finish()


def test_a_bomb_comes_in_pieces() -> None:
    """A body unpacks to a thousand times its size, but never more than 256 KiB in one piece."""
    pieces = list(Unpacker("gzip").unpacked(gzip.compress(bytes(50_000_000))))
    assert sum(map(len, pieces)) == 50_000_000
    assert max(map(len, pieces)) <= UNPACKED_AT_ONCE


def test_a_packed_body_that_ends_too_early_is_refused() -> None:
    """A half body, an empty body, and a body without the end of its last member."""
    for packed in (gzip.compress(bytes(99))[:-1], b"", in_members(bytes(99))[:-10]):
        unpacker = Unpacker("gzip")
        assert b"".join(unpacker.unpacked(packed) if packed else ()) in (bytes(99), b"")
        with pytest.raises(UnpackError):
            unpacker.finish()


def test_a_body_that_is_not_packed_as_it_says_is_refused() -> None:
    """A wrong header, a wrong checksum."""
    broken = bytearray(gzip.compress(bytes(99)))
    broken[-6] ^= 1
    for data in (b"no gzip at all", bytes(broken), gzip.compress(b"") + bytes(broken)):
        with pytest.raises(UnpackError, match="broken"):
            list(Unpacker("gzip").unpacked(data))


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "whatever"])
def test_an_encoding_nobody_asked_for_is_refused(encoding: str) -> None:
    """The downloader requests no encoding, and a guess would give noise."""
    with pytest.raises(UnpackError, match="unknown"):
        Unpacker(encoding)
