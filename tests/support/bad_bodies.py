"""Bad request bodies with right signatures."""

from __future__ import annotations

import base64
import codecs
import json
from collections.abc import Iterator
from typing import Any

from tests.support.asking import IMAGE
from tests.support.raw import GOOD_BODY, Bad, good

VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    2,
    10**19,
    -(10**30),
    1.5,
    "",
    "x",
    [],
    [[]],
    ["ocr"],
    [None],
    {},
    {"url": 1},
)
# What stands at each place, and which of the values above are good there, or said elsewhere.
PLACES: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("", ()),
    ("scenes", (["ocr"],)),
    ("scenes.0", ([], None)),
    ("tasks", ()),
    ("tasks.0", ([], None, {"url": 1})),
    ("tasks.0.url", ()),
    ("tasks.0.dataId", (None, "x")),
    ("tasks.0.interval", (None,)),
    ("tasks.0.maxFrames", (None,)),
    ("bizType", (None, "", "x")),
)
URLS = (
    " ",
    "a.png",
    "/a.png",
    "//example.com/a.png",
    "example.com/a.png",
    "http:",
    "http:/example.com",
    "http://",
    "https:///a.png",
    "http://:80/a.png",
    "http://?",
    "http://#",
    "http://[::1/a.png",
    "http://[x]/a.png",
    "http://h:0/a.png",
    "http://h:99999/a.png",
    "http://h:port/a.png",
    "http://h\\a/b.png",
    "http://h/a b.png",
    "http://h/a\nb.png",
    "http://h/a\x00b.png",
    "http://h/\u202ea.png",
    " http://h/a.png",
    "http://h/a.png ",
    "http://h/" + "a" * 2_040,
    "ftp://h/a.png",
    "file:///etc/passwd",
    "data:image/png;base64,iVBORw0KGgo=",
    "javascript:alert(1)",
    "oss://bucket/a.png",
    "urn:a",
)
PAIRS = ((0, 0), (0, 1), (1, 0), (-1, -1), (1, -1), (2, None), (None, 2), (-(2**63), 1))
TEXTS = {
    "an empty body": b"",
    "blanks": b" \t\r\n",
    "not a number": b"NaN",
    "infinity": b"Infinity",
    "not a number in it": GOOD_BODY.replace(b'"d0"', b"NaN"),
    "a huge number": b'{"scenes":["ocr"],"tasks":[{"url":"http://h/a","interval":1e999}]}',
    "an endless number": b"1" * 100_000,
    "an endless number in it": GOOD_BODY.replace(b'"d0"', b"1" * 100_000),
    "a leading zero": GOOD_BODY.replace(b'"d0"', b"01"),
    "quotes of one stroke": GOOD_BODY.replace(b'"', b"'"),
    "no quotes": GOOD_BODY.replace(b'"', b""),
    "a comma too many": GOOD_BODY.replace(b"]}", b"],}"),
    "a comma too few": GOOD_BODY.replace(b",", b""),
    "a comment": b"/* a */" + GOOD_BODY,
    "a comment at the end": GOOD_BODY + b"// a",
    "two documents": GOOD_BODY * 2,
    "a null at the end": GOOD_BODY + b"\x00",
    "a null in it": GOOD_BODY.replace(b"ocr", b"o\x00r"),
    "a line feed in a string": GOOD_BODY.replace(b"a.png", b"a\n.png"),
    "an unknown escape": GOOD_BODY.replace(b"a.png", b"\\x61.png"),
    "half a pair": GOOD_BODY.replace(b"a.png", b"\\ud800.png"),
    "half a pair for a name": GOOD_BODY.replace(b"d0", b"\\udfff"),
    "a pair the wrong way round": GOOD_BODY.replace(b"d0", b"\\udc00\\ud800"),
    "half an escape": GOOD_BODY.replace(b"d0", b"\\u12"),
    "a scene twice": GOOD_BODY.replace(b'"tasks"', b'"scenes":["porn"],"tasks"'),
    "tasks twice": GOOD_BODY[:-1] + b',"tasks":[]}',
    "a url twice": GOOD_BODY.replace(b'"url"', b'"url":"http://h/a","url":null,"u"'),
    "bytes outside UTF-8": GOOD_BODY.replace(b"d0", b"\xff"),
    "a surrogate in UTF-8": GOOD_BODY.replace(b"d0", b"\xed\xa0\x80"),
    "a letter written too long": GOOD_BODY.replace(b"d0", b"\xc0\xaf"),
    "a letter beyond the last": GOOD_BODY.replace(b"d0", b"\xf4\x90\x80\x80"),
    "Latin 1": GOOD_BODY.replace(b"d0", "é".encode("latin-1")),
    "GBK": GOOD_BODY.replace(b"d0", "你".encode("gbk")),
    "a byte order mark": codecs.BOM_UTF8 + GOOD_BODY,
    "UTF-16": GOOD_BODY.decode().encode("utf-16"),
    "UTF-16 without a mark": GOOD_BODY.decode().encode("utf-16-be"),
    "UTF-32": GOOD_BODY.decode().encode("utf-32"),
    "UTF-7": b"+AHsAfQ-",
    "base64": base64.b64encode(GOOD_BODY),
    "a string that holds it": json.dumps(GOOD_BODY.decode()).encode(),
    "a form": b"scenes=ocr&tasks=1",
    "XML": b"<scenes>ocr</scenes>",
    "YAML": b"scenes: [ocr]\ntasks: []\n",
    "MessagePack": b"\x82\xa6scenes\x91\xa3ocr\xa5tasks\x90",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "a body of every byte": bytes(range(256)),
    "deep lists": b"[" * 100_000,
    "deep lists that close": b"[" * 5_000 + b"]" * 5_000,
    "deep objects": b'{"a":' * 100_000,
    "deep in a field": GOOD_BODY.replace(b'"d0"', b"[" * 5_000 + b"]" * 5_000),
    "deep in an unknown field": b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"," + GOOD_BODY[1:],
    "names in another case": GOOD_BODY.replace(b"scenes", b"Scenes"),
    "101 tasks": json.dumps({"scenes": ["ocr"], "tasks": [{"url": IMAGE}] * 101}).encode(),
    "a million tasks": b'{"scenes":["ocr"],"tasks":[' + b"{}," * 400_000 + b"{}]}",
    "a million names": b"{" + b'"a":1,' * 200_000 + b'"b":1}',
}


def bad_bodies() -> Iterator[Bad]:
    """Return all bad bodies."""
    for name, body in _bodies():
        yield Bad(name, good(body), passes=True)


def _bodies() -> Iterator[tuple[str, bytes]]:
    yield from TEXTS.items()
    for end in range(4, len(GOOD_BODY), 5):
        yield f"cut at {end}", GOOD_BODY[:end]
    for place, well in PLACES:
        yield from _wrong_values(place, well)
    for url in URLS:
        yield f"url {url[:40]!r}", _body({"url": url})
    for interval, most in PAIRS:
        task = {"url": IMAGE, "interval": interval, "maxFrames": most}
        yield f"interval {interval}, maxFrames {most}", _body(task)
    for scenes in (["ocr", "ocr"], ["ocr", "porn"], ["porn"], ["OCR"], ["ocr "], [""]):
        yield f"scenes {scenes}", _body({"url": IMAGE}, scenes=scenes)
    for name in ("d" * 257, "名" * 300):
        yield f"a name of {len(name)} letters", _body({"url": IMAGE, "dataId": name})
    twice = {"url": IMAGE, "dataId": "twice"}
    yield "a name twice", _body(twice, twice)


def _wrong_values(place: str, well: tuple[Any, ...]) -> Iterator[tuple[str, bytes]]:
    """Return every wrong value for this field, and the body without a mandatory field."""
    keys: list[Any] = [int(key) if key.isdigit() else key for key in place.split(".") if key]
    for value in VALUES:
        if any(value == each and type(value) is type(each) for each in well):
            continue
        body: Any = {"body": json.loads(GOOD_BODY)}
        inner = body
        *way, last = ["body", *keys]
        for key in way:
            inner = inner[key]
        inner[last] = value
        yield f"{value!r} for [{place}]", json.dumps(body["body"]).encode()
    if place in ("scenes", "tasks"):
        body = json.loads(GOOD_BODY)
        del body[place]
        yield f"no [{place}]", json.dumps(body).encode()


def _body(*tasks: dict[str, Any], scenes: list[str] | None = None) -> bytes:
    return json.dumps({"scenes": scenes or ["ocr"], "tasks": tasks}).encode()
