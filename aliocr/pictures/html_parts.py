"""Load the style and the script that the report and the page of the emulator share."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files


def shared_style() -> str:
    """Return the CSS with which both pages start: colours, fonts, buttons, tables and boxes."""
    return page_part("pictures", "pages.css")


def shared_script() -> str:
    """Return the script with which both pages start.

    Its functions make HTML elements, scroll, and place the numbers of boxes.
    """
    return page_part("pictures", "pages.js")


def page_part(room: str, name: str) -> str:
    """Return the text of a file in the subpackage `room`.

    All line ends become line feeds, because a browser does the same before it computes a hash.
    """
    return files(f"aliocr.{room}").joinpath(name).read_text("utf-8")


def policy_hash(inline: str) -> str:
    """Return the hash of an inline style or script, in the form for a Content-Security-Policy."""
    digest = hashlib.sha256(inline.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
