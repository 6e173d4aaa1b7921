"""Style and script that both HTML pages have: the report, and the page of the emulator."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files


def shared_style() -> str:
    """Return colours, type, buttons, tables and boxes; the style of one page follows."""
    return page_part("pictures", "pages.css")


def shared_script() -> str:
    """Return elements, scrolling and the numbers of boxes; the script of one page follows."""
    return page_part("pictures", "pages.js")


def page_part(room: str, name: str) -> str:
    """Return a file of a room of the package as text.

    As text, because a browser takes its hashes with line ends normalised.
    """
    return files(f"aliocr.{room}").joinpath(name).read_text("utf-8")


def policy_hash(inline: str) -> str:
    """Return the source expression of one inline element, for a Content-Security-Policy."""
    digest = hashlib.sha256(inline.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
