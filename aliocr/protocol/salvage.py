"""Salvage: reads what can be read of a body that is not JSON.

One odd byte must not cost the other images of a reply, because they were paid for. Four things are
tried, one after the other:

1. The value ends where its last bracket closes. Whatever follows is passed over.
2. Control characters may stand in a text as they are. Bytes that are not UTF-8 are replaced.
3. A backslash that begins no escape of JSON is taken for a backslash.
4. The elements of `data` are read one by one. So a damaged element costs only itself, and the
   elements before a cut are kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from aliocr.protocol import lenient

EFFORT = 8
"""Number of times that a damaged body may be read over, in its own lengths. Each damaged element is
read again from each of its brackets, which would take minutes for a body made for this purpose."""

_DEEP = 10_000
"""About as many characters are read while the stack fills."""

_WINDOW = 65_536
"""Characters before the current place that are kept. An error of `json` counts all lines before it,
which is some twenty times faster than to read them."""

_ESCAPES = re.compile(r'(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))+|(\\)')
_DATA = re.compile(r'"data"\s*:\s*[\[{]', re.IGNORECASE)
_FIELD = re.compile(  # a number at the end may lack digits behind the cut
    r'"(code|msg|message|requestid)"\s*:\s*("[^"\\]*(?:\\.[^"\\]*)*"|-?\d{1,20}(?=[^\d.]))',
    re.IGNORECASE | re.DOTALL,
)
_MOST_FIELDS = 20
_ELEMENT_FIELDS = {"dataid", "url", "results"}


def text_of(body: bytes | bytearray) -> str:
    """Return a body as text in which every backslash begins an escape; bad UTF-8 is replaced."""
    text = body.decode("utf-8-sig", "replace")
    return _ESCAPES.sub(lambda found: r"\\" if found[1] else found[0], text)


def parse(text: str) -> object:
    """Return the first JSON object or array of a text; None if it is damaged."""
    begin = min((at for at in map(text.find, "{[") if at >= 0), default=0)
    try:
        return lenient.first_value(text, begin)[0]
    except (ValueError, RecursionError):
        return None


def fields_around(text: str) -> dict[str, Any]:
    """Return the fields of a damaged envelope, apart from its elements, by lower-case name."""
    data = _DATA.search(text)
    head = text[: data.start()] if data else text
    found: dict[str, str] = {}
    for field in islice(_FIELD.finditer(head), _MOST_FIELDS):
        found.setdefault(field[1].lower(), field[2])
    # Elements have no request id, so this one is the envelope's wherever it stands.
    if data and (last := re.search(r'"requestid"\s*:\s*("[^"\\]*")', text, re.IGNORECASE)):
        found.setdefault("requestid", last[1])
    return {name: lenient.parse(value.encode()) for name, value in found.items()}


def elements(text: str) -> Iterator[dict[str, Any]]:
    """Return the elements of `data` that can be read, in order."""
    data = _DATA.search(text)
    at = data.end() - 1 if data else len(text)
    effort = EFFORT * len(text)
    while effort > 0 and (at := text.find("{", at)) >= 0:
        if at > _WINDOW:
            text, at = text[at:], 0
        try:
            value, end = lenient.first_value(text, at)
        except json.JSONDecodeError as error:
            effort -= error.pos - at + error.pos // 20 + 1
            at += 1  # the next bracket is one inside this element, or the next element
        except RecursionError:
            effort -= _DEEP
            at += 1
        else:
            at = end
            fields = lenient.fields_of(value)
            if "code" in fields and not _ELEMENT_FIELDS.isdisjoint(fields):
                yield value
