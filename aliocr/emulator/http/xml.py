"""The service's answers in XML, for clients that do not accept JSON.

The generic page says that the gateway then answers in XML, and no page shows the elements: these
have the names of the JSON fields. A refusal of the gateway's is an `Error`, any other answer an
`ImageSyncScanResponse`, after the action; a list is its element repeated, null and an empty list
are left out.

Source: "ROA mechanism".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

XML = "text/xml;charset=utf-8"

AT_ONCE = 16_384
"""Bytes of a JSON object, at most, that become one part: about a millisecond of work."""

_HEAD = b"<?xml version='1.0' encoding='utf-8'?>\n"
_UNHOLDABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# A line's end would be read as "\n", whatever it is.
_ESCAPES = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord("\r"): "&#13;"}


def xml_parts(body: bytes, elements: Iterable[bytes] = ()) -> Iterator[bytes]:
    """An answer's JSON object as XML, in parts that are joined by whoever sends them.

    A character that XML cannot hold, not even escaped, becomes U+FFFD. A hundred thousand lines
    of text take a second; a part is some hundred of them, so the event loop can be let in.

    Args:
        body: An envelope or a refusal, as `aliocr.protocol.wire` encodes them.
        elements: JSON objects that are written where the body has an empty list.
    """
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    root = "Error" if "Code" in fields else "ImageSyncScanResponse"
    yield _HEAD + f"<{root}>".encode()
    for name, value in fields.items():
        for one in map(msgspec.Raw, elements) if bytes(value) == b"[]" else (value,):
            yield from _parts(name, one)
    yield f"</{root}>".encode()


def _parts(name: str, value: msgspec.Raw) -> Iterator[bytes]:
    """The elements of one field; what is long in parts, down to what is not."""
    data = memoryview(value)
    start = bytes(data[:1])
    if len(data) <= AT_ONCE or start not in b"[{":
        yield _written(name, msgspec.json.decode(value)).encode()
    elif start == b"[":
        for one in msgspec.json.decode(value, type=list[msgspec.Raw]):
            yield from _parts(name, one)
    else:
        yield f"<{name}>".encode()
        for inner, field in msgspec.json.decode(value, type=dict[str, msgspec.Raw]).items():
            yield from _parts(inner, field)
        yield f"</{name}>".encode()


def _written(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join(_written(name, one) for one in value)
    if isinstance(value, dict):
        inside = "".join(_written(inner, field) for inner, field in value.items())
    elif isinstance(value, str):
        inside = _UNHOLDABLE.sub("\ufffd", value).translate(_ESCAPES)
    else:
        inside = msgspec.json.encode(value).decode()
    return f"<{name}>{inside}</{name}>"
