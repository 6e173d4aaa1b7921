"""The service's answers in XML, for clients that do not accept JSON.

The generic page says that the gateway then answers in XML, and no page shows the elements: these
have the names of the JSON fields. A refusal of the gateway's is an `Error`, any other answer an
`ImageSyncScanResponse`, after the action; a list is its element repeated, null and an empty list
are left out.

Source: "ROA mechanism".
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping

import msgspec

__all__ = ["XML", "xml_parts"]

XML = "text/xml;charset=utf-8"

_HEAD = b"<?xml version='1.0' encoding='utf-8'?>\n"
_UNHOLDABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_parts(body: bytes) -> Iterator[bytes]:
    """An answer's JSON object as XML, in parts that are joined by whoever sends them.

    A character that XML cannot hold, not even escaped, becomes U+FFFD. A reply of 100 images with
    60 regions each takes 0.1 s; a part is at most an image, so the event loop can be let in.

    Args:
        body: An envelope or a refusal, as `aliocr.wire` encodes them.
    """
    fields = msgspec.json.decode(body, type=dict[str, object])
    root = "Error" if "Code" in fields else "ImageSyncScanResponse"
    yield _HEAD + f"<{root}>".encode()
    for element in _elements(fields):
        yield ET.tostring(element, encoding="utf-8")
    yield f"</{root}>".encode()


def _elements(fields: Mapping[str, object]) -> Iterator[ET.Element]:
    for name, field in fields.items():
        for value in field if isinstance(field, list) else [field]:
            if value is not None:
                yield _element(name, value)


def _element(name: str, value: object) -> ET.Element:
    element = ET.Element(name)
    if isinstance(value, dict):
        element.extend(_elements(value))
    elif isinstance(value, str):
        element.text = _UNHOLDABLE.sub("\ufffd", value)
    else:
        element.text = msgspec.json.encode(value).decode()
    return element
