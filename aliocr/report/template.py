"""The page around the data: head, styles and script, and the policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
import html
from functools import cache
from importlib.resources import files

import attrs

MARK = b"<!doctype html><!-- written by aliocr report, which may write it anew -->"
"""How a page begins; what does not begin so is not overwritten."""

PARTS = (
    ("report", "page.html"),
    ("report", "page.css"),
    ("report", "entries.js"),
    ("pictures", "numbers.js"),
    ("report", "search.js"),
    ("report", "page.js"),
)
"""Where the page's parts stand; the scripts in the order in which they are one."""


@attrs.frozen
class Frame:
    """What stands before the data, between data and pictures, and at the end."""

    head: bytes
    script: bytes
    end: bytes


def framed(title: str, *, linked: bool) -> Frame:
    """The page around the data.

    Args:
        title: Of the page.
        linked: It may load pictures from anywhere; else only those that are in it.
    """
    page, style, script = _parts()
    # A browser takes its hashes with line ends normalised, as they are in text that was read.
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {_hash(script)}",
            f"style-src {_hash(style)}",
            f"img-src data:{' http: https: file:' if linked else ''}",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )
    head, end = page.split("{{data and script}}")
    # The title last: what it says is replaced by nothing.
    for name, value in (("style", style), ("policy", policy), ("title", html.escape(title))):
        head = head.replace(f"{{{{{name}}}}}", value)
    return Frame(
        MARK + b"\n" + head.encode("utf-8", "replace"),
        f"\n<script>{script}</script>\n".encode(),
        end.encode(),
    )


@cache
def _parts() -> tuple[str, str, str]:
    """The page, its styles and its script, which is of several files for those who read it."""
    page, style, *scripts = (
        files(f"aliocr.{wing}").joinpath(name).read_text("utf-8") for wing, name in PARTS
    )
    return page, style, "".join(scripts)


def _hash(inline: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()}'"
