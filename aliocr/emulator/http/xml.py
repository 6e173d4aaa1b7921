"""Replies in XML, for clients that do not accept JSON.

The documents say that the gateway then answers in XML, but do not show the elements. Here the
elements have the names of the JSON fields. A refusal by the gateway is an `Error`; any other reply
is named after the action, such as `ImageSyncScanResponse`. A list becomes a repeated element; null
and empty lists are left out.

Source: documents, "ROA mechanism".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

XML = "text/xml;charset=utf-8"

AT_ONCE = 16_384
"""Maximum size of a JSON list or object that is converted in one part, in bytes. Converting this
size takes about a millisecond."""

_UNHOLDABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# "\r" is escaped, because an XML parser would read a plain "\r" as "\n".
_ESCAPES = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord("\r"): "&#13;"}


def xml_parts(
    body: bytes, elements: Iterable[bytes] = (), *, action: str | None
) -> Iterator[bytes]:
    """Convert a reply's JSON object to XML, in parts.

    The elements, which are JSON objects, replace the empty list in the body. A character that XML
    cannot contain, even escaped, becomes U+FFFD. A hundred thousand lines of text take a second. So
    each part has only some hundred lines, and the event loop can run between two parts.
    """
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    root = "Error" if "Code" in fields else f"{action}Response"
    yield f"<?xml version='1.0' encoding='utf-8'?>\n<{root}>".encode()
    for name, value in fields.items():
        for one in map(msgspec.Raw, elements) if bytes(value) == b"[]" else (value,):
            yield from _parts(name, one)
    yield f"</{root}>".encode()


def _parts(name: str, value: msgspec.Raw) -> Iterator[bytes]:
    """Convert one field to XML; a long list or object is divided until its parts are short."""
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
