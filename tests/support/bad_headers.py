"""Bad headers, lengths and encodings, after good request lines."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator

from tests.support.raw import GOOD_BODY, UNSIGNED, Bad, good, raw, signed

MEGABYTES = 3_000_000
"""More than the emulator takes."""

LINES = (
    b": nameless",
    b"colonless",
    b" : blank",
    b" folded: at the start",
    b"a b: c",
    b"a : b",
    b"a\x00b: c",
    b"a\x7fb: c",
    b"a\xffb: c",
    b"\xc3\xa9: c",
    b"(a): b",
    b"a@b: c",
    b"[a]: b",
    b"a: b\x00c",
    b"a: b\x01c",
    b"a: b\rc: d",
    b"a: b\r\n c",
    b"a: b\r\n\tc",
    b"a: " + b"b" * 100_000,
    b"a" * 100_000 + b": b",
    b"\r\n".join(b"a%d: b" % number for number in range(200)),
    b"\r\n".join(b"a: b" for _ in range(5_000)),
    b"x-acs-note: \xff",
    b"x-acs-note: \xed\xa0\x80",
    b"x-acs-note: unsigned",
    b"x-note: \xff\xfe",
    b"Authorization: acs",
    b"Date: now",
    b"x-acs-version: 2017-01-12",
    b"Content-Length: 1",
    b"Host: a\r\nHost: b\r\nx-acs-note: unsigned",
)
HOSTS = (
    b"",
    b"\xff",
    b"\xff\xfe.example",
    b"\xed\xa0\x80",
    b"\xc3\xa9.example",
    b"a b",
    b"a/b",
    b"a\\b",
    b"a?b",
    b"a:b:c",
    b"a:99999999",
    b"[::1",
    b"[",
    b"]",
    b"@",
    b"<script>",
    b"a," * 100,
    b"%00",
    b"h" * 8_000,
)
LENGTHS = (
    b"",
    b"-1",
    b"+5",
    b"5 5",
    b"5,5",
    b"5, 6",
    b"0x10",
    b"1e3",
    b"1.0",
    b"five",
    b"\xef\xbc\x95",
    b"5;",
    b"\x005",
    b"9" * 30,
    b"9" * 4_000,
    b"18446744073709551616",
)
CODINGS = (
    b"",
    b"gzip",
    b"identity",
    b"chunked, chunked",
    b"chunked, gzip",
    b"xchunked",
    b"chunkedx",
    b"\x0bchunked",
    b"chunked;q=1",
    b'"chunked"',
    b"\xffchunked",
    b",",
)
CHUNKS = {
    "letters for a size": b"zz\r\nhello\r\n0\r\n\r\n",
    "a negative size": b"-5\r\nhello\r\n0\r\n\r\n",
    "a plus": b"+5\r\nhello\r\n0\r\n\r\n",
    "0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "a huge size": b"F" * 20 + b"\r\nhello\r\n0\r\n\r\n",
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "a blank for a size": b" \r\nhello\r\n0\r\n\r\n",
    "no return after the data": b"5\r\nhello0\r\n\r\n",
    "more data than said": b"2\r\nhello\r\n0\r\n\r\n",
    "returns alone": b"5\rhello\r0\r\r",
    "an endless extension": b"5;" + b"a" * 100_000 + b"\r\nhello\r\n0\r\n\r\n",
    "a null in the extension": b"5;a=\x00\r\nhello\r\n0\r\n\r\n",
    "a broken trailer": b"5\r\nhello\r\n0\r\nnocolon\r\n\r\n",
    "a trailer of other bytes": b"5\r\nhello\r\n0\r\n\xff: \x00\r\n\r\n",
    "trailers beyond measure": b"5\r\nhello\r\n0\r\n" + b"a: b\r\n" * 5_000 + b"\r\n",
    "no JSON": b"5\r\nhello\r\n0\r\n\r\n",
    "nothing in them": b"0\r\n\r\n",
    "one byte each": b"1\r\n{\r\n" * 3_000 + b"0\r\n\r\n",
}
ENCODINGS = (b"gzip", b"deflate", b"br", b"zstd", b"compress", b"identity", b"x" * 100, b"\xff")


def bad_headers() -> Iterator[Bad]:
    """Return all bad headers."""
    yield from _bad_fields()
    yield from _bad_framing()
    yield from _bad_packing()
    yield from _surplus()


def _bad_fields() -> Iterator[Bad]:
    before, _, after = good().partition(b"\r\n")
    for line in LINES:
        name = f"header {line[:20]!r} ({len(line)} bytes)"
        yield Bad(name, b"\r\n".join([before, line, after]), ends=True)
    for host in HOSTS:
        headers = {**UNSIGNED, "Host": host}
        elsewhere = b"POST /elsewhere HTTP/1.1"
        yield Bad(f"host {host[:20]!r}", raw(b"{}", headers, line=elsewhere))
    signature = signed(GOOD_BODY)
    for name in signature:
        for value in (b"", b"  ", b"garbage", b"\xff", b"0", b"a" * 7_000):
            yield Bad(f"{name}: {value[:9]!r}", raw(GOOD_BODY, signature | {name: value}))
        left = {each: value for each, value in signature.items() if each != name}
        yield Bad(f"no {name}", raw(GOOD_BODY, left))


def _bad_framing() -> Iterator[Bad]:
    signature = signed(GOOD_BODY)
    for length in LENGTHS:
        headers = signature | {"Content-Length": length}
        yield Bad(
            f"length {length[:20]!r} ({len(length)} bytes)", raw(GOOD_BODY, headers), ends=True
        )
    for coding in CODINGS:
        headers = {**UNSIGNED, "Transfer-Encoding": coding}
        yield Bad(f"coding {coding!r}", raw(b"5\r\nhello\r\n0\r\n\r\n", headers), ends=True)
    for name, chunks in CHUNKS.items():
        data = raw(chunks, signed(b"hello") | {"Transfer-Encoding": "chunked"})
        yield Bad(f"chunks with {name}", data, ends=True)
        late = len(data) - len(chunks)
        yield Bad(f"{name} in chunks, late", data + b"\r\n", ends=True, first=late)
    both = {**UNSIGNED, "Content-Length": "5", "Transfer-Encoding": "chunked"}
    yield Bad("a length and chunks", raw(b"5\r\nhello\r\n0\r\n\r\n", both))
    old = raw(b"0\r\n\r\n", {**UNSIGNED, "Transfer-Encoding": "chunked"})
    yield Bad("chunks in HTTP/1.0", old.replace(b"HTTP/1.1", b"HTTP/1.0", 1), ends=True)
    for missing in (1, len(GOOD_BODY) // 2, len(GOOD_BODY)):
        yield Bad(f"{missing} bytes missing", good()[:-missing], ends=True)
    for end in (b"", b"40\r\n", b"40\r\nhello", b"5\r\nhello\r\n", b"5\r\nhello\r\n0\r\n"):
        headers = signature | {"Transfer-Encoding": "chunked"}
        yield Bad(f"chunks that end with {end!r}", raw(end, headers), ends=True)
    yield Bad("a body beyond measure", raw(bytes(MEGABYTES), signature))
    chunks = (b"%x\r\n" % MEGABYTES) + bytes(MEGABYTES) + b"\r\n0\r\n\r\n"
    headers = signature | {"Transfer-Encoding": "chunked"}
    yield Bad("chunks beyond measure", raw(chunks, headers))


def _bad_packing() -> Iterator[Bad]:
    packed = {
        "gzip": gzip.compress(GOOD_BODY, mtime=0),
        "half a gzip": gzip.compress(GOOD_BODY, mtime=0)[:30],
        "zlib": zlib.compress(GOOD_BODY),
        "a bomb": gzip.compress(bytes(10_000_000), mtime=0),
        "no JSON": b"hello",
    }
    for encoding in ENCODINGS:
        for name, body in packed.items():
            headers = signed(body) | {"Content-Encoding": encoding}
            yield Bad(f"{name} said to be {encoding[:9]!r}", raw(body, headers))
    form = b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n" + GOOD_BODY + b"\r\n--x--\r\n"
    for kind in ("multipart/form-data; boundary=x", "multipart/form-data", "multipart/mixed"):
        yield Bad(kind, raw(form, signed(form, {"Content-Type": kind})))
    kind = "application/x-www-form-urlencoded"
    yield Bad(
        "a form by its name", raw(b"scenes=ocr", signed(b"scenes=ocr", {"Content-Type": kind}))
    )


def _surplus() -> Iterator[Bad]:
    # Read in one piece with it, they cost the good request its answer.
    for surplus in (b"surplus\r\n\r\n", bytes(8) + b"\r\n\r\n"):
        late = len(good())
        yield Bad(f"{surplus[:2]!r} right after a good request", good() + surplus, ends=True)
        yield Bad(f"{surplus[:2]!r} later", good() + surplus + b"\n", answers=2, first=late)
    yield Bad("a bad one in the same breath", good() + raw(b"{", signed(b"{")), answers=2)
    yield Bad("fifty in one breath", good() * 49 + raw(b"{", signed(b"{")), answers=50)
    for expectation in (b"100-continue", b"200-ok", b"", b"\xff"):
        headers = signed(b"{") | {"Expect": expectation}
        yield Bad(f"expectation {expectation!r}", raw(b"{", headers))
    for upgrade in (b"websocket", b"h2c", b"TLS/1.0", b"\xff", b""):
        headers = {**UNSIGNED, "Connection": "Upgrade", "Upgrade": upgrade}
        headers |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        yield Bad(f"upgrade {upgrade!r}", raw(b"", headers, line=b"GET / HTTP/1.1"))
        yield Bad(f"upgrade of a scan {upgrade!r}", raw(b"{}", headers))
    for number in range(2):
        headers = {**UNSIGNED, "Connection": ("close", "keep-alive, close, \x00")[number]}
        yield Bad(f"connection {number}", raw(b"{}", headers))
