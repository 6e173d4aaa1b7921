"""The page around the data: head, styles and script, and the policy that lets nothing else run."""

from __future__ import annotations

import html
from functools import cache

import attrs

from aliocr.pictures.pages import page_part, policy_hash, shared_script, shared_style

MARK = b"<!doctype html><!-- written by aliocr report, which may write it anew -->"
"""How a page begins; what does not begin so is not overwritten."""

SCRIPTS = ("entries.js", "search.js", "page.js")
"""In the order in which they are one."""


@attrs.frozen
class PageShell:
    """What stands before the data, between data and pictures, and at the end."""

    head: bytes
    script: bytes
    end: bytes


def page_shell(title: str, *, linked: bool) -> PageShell:
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
            f"script-src {policy_hash(script)}",
            f"style-src {policy_hash(style)}",
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
    return PageShell(
        MARK + b"\n" + head.encode("utf-8", "replace"),
        f"\n<script>{script}</script>\n".encode(),
        end.encode(),
    )


@cache
def _parts() -> tuple[str, str, str]:
    """The page, its styles and its script, which is of several files for those who read it."""
    style = shared_style() + page_part("report", "page.css")
    scripts = (page_part("report", name) for name in SCRIPTS)
    return page_part("report", "page.html"), style, shared_script() + "".join(scripts)
