"""Make the HTML around the data: head, styles, script, and a policy that allows no other script."""

from __future__ import annotations

import html

import attrs

from aliocr.pictures.html_parts import page_part, policy_hash, shared_script, shared_style

MARK = b"<!doctype html><!-- written by aliocr report, which may write it anew -->"
"""First bytes of every report. A file that begins with other bytes is not overwritten."""

SCRIPTS = ("entries.js", "search.js", "page.js")
"""Files that are joined to one script, in this order."""


@attrs.frozen
class PageShell:
    """The HTML: `head` before the data, `script` after the data, and `end` after the pictures."""

    head: bytes
    script: bytes
    end: bytes


def page_shell(title: str, *, linked: bool) -> PageShell:
    """Return the HTML around the data.

    Args:
        title: Title of the page.
        linked: True if the page may load pictures from files and URLs.
    """
    style = shared_style() + page_part("report", "page.css")
    script = shared_script() + "".join(page_part("report", name) for name in SCRIPTS)
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
    head, end = page_part("report", "page.html").split("{{data and script}}")
    # Replace the title last, because the text of a title may look like another placeholder.
    for name, value in (("style", style), ("policy", policy), ("title", html.escape(title))):
        head = head.replace(f"{{{{{name}}}}}", value)
    return PageShell(
        MARK + b"\n" + head.encode("utf-8", "replace"),
        f"\n<script>{script}</script>\n".encode(),
        end.encode(),
    )
