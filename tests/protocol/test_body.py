"""Bodies: unpacked here, and never larger than the limit."""

import gzip
import zlib
from collections.abc import Callable

import pytest

from aliocr import ResponseError
from aliocr.protocol.body import MAX_BYTES, Body

TEXT = bytes(range(256)) * 400


def _raw(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "none": ("", bytes),
    "identity": ("identity", bytes),
    "gzip": ("gzip", gzip.compress),
    "x-gzip, in capitals": ("X-GZIP", gzip.compress),
    "two members": ("gzip", lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])),
    "deflate": ("deflate", zlib.compress),
    "deflate without a header": ("deflate", _raw),
    "identity beside gzip": ("identity, gzip", gzip.compress),
}


def _fill(body: Body, data: bytes, piece: int) -> None:
    for at in range(0, len(data), piece):
        body.add(data[at : at + piece])


@pytest.mark.parametrize(("encoding", "pack"), PACKED.values(), ids=PACKED.keys())
@pytest.mark.parametrize("piece", [1, 7, 1_000_000])
def test_a_body_is_unpacked(encoding: str, pack: Callable[[bytes], bytes], piece: int) -> None:
    """Proxies pack what nobody asked them to; pieces end anywhere."""
    text = TEXT[:3000] if piece == 1 else TEXT
    body = Body(encoding)
    _fill(body, pack(text), piece)
    assert body.data == text


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "x" * 10_000])
def test_another_encoding_is_refused_by_its_name(encoding: str) -> None:
    """At once, and not tried again: the proxy would do the same, and the images are paid for."""
    with pytest.raises(ResponseError, match="check the proxy") as caught:
        Body(encoding)
    assert encoding.replace(" ", "")[:10] in str(caught.value)
    assert len(str(caught.value)) < 200
    assert (caught.value.transient, caught.value.maybe_charged) == (False, True)


@pytest.mark.parametrize(("encoding", "pack"), PACKED.values(), ids=PACKED.keys())
def test_a_bomb_ends_at_the_limit(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    """A few kilobytes do not become gigabytes."""
    body = Body(encoding)
    packed = pack(bytes(3 * MAX_BYTES))
    with pytest.raises(ResponseError, match="larger than 16 MiB"):
        _fill(body, packed, 1000)
    assert len(body.data) == MAX_BYTES + 1


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_what_came_before_damage_is_kept(encoding: str) -> None:
    """The images in it were paid for."""
    packer = zlib.compressobj(level=0, wbits=31 if encoding == "gzip" else 15)
    body = Body(encoding)
    body.add(packer.compress(TEXT) + packer.flush(zlib.Z_SYNC_FLUSH))
    with pytest.raises(ResponseError, match="damaged"):
        body.add(b"\xff" * 1000)
    assert body.data == TEXT


def test_an_encoding_that_repeats_a_token_is_not_quoted_whole() -> None:
    """A server may put what it was sent into any header."""
    with pytest.raises(ResponseError) as caught:
        Body("STS.token-of-the-key-0123456789")
    assert "token-of" not in str(caught.value)
