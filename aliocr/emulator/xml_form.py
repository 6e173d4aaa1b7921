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

import msgspec

__all__ = ["XML", "xml_form"]

XML = "text/xml;charset=utf-8"

_UNHOLDABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_form(body: bytes) -> bytes:
    """An answer's JSON object as XML.

    A character that XML cannot hold, not even escaped, becomes U+FFFD.

    Args:
        body: An envelope or a refusal, as `aliocr.wire` encodes them.
    """
    fields = msgspec.json.decode(body, type=dict[str, object])
    root = ET.Element("Error" if "Code" in fields else "ImageSyncScanResponse")
    _fill(root, fields)
    found: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return found


def _fill(element: ET.Element, value: object) -> None:
    if isinstance(value, dict):
        for name, field in value.items():
            for item in field if isinstance(field, list) else [field]:
                if item is not None:
                    _fill(ET.SubElement(element, name), item)
    elif isinstance(value, str):
        element.text = _UNHOLDABLE.sub("\ufffd", value)
    else:
        element.text = msgspec.json.encode(value).decode()
