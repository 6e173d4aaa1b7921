"""The landing page: one file, sent with a policy that lets it run its own script and nothing else.

The page is static. What it shows it fetches from the emulator's own paths; see `origin`.
"""

from __future__ import annotations

import re
from functools import cache

import attrs
from aiohttp import web
from aiohttp.typedefs import Handler

from aliocr.pictures.pages import page_part, policy_hash, shared_script, shared_style

INLINE = re.compile(r"<(style|script)>(.*?)</\1>", re.DOTALL)


@attrs.frozen
class _Page:
    """The file, and the headers it goes out with."""

    body: bytes = attrs.field(repr=False)
    headers: dict[str, str]


class LandingPage:
    """What a person sees who opens the endpoint in a browser.

    Args:
        otherwise: Answers who does not ask for a page, but for what the service has at this path.
    """

    def __init__(self, otherwise: Handler) -> None:
        self._otherwise = otherwise
        self._page = _read()

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The page, for browsers: they alone ask for `text/html` by name."""
        if "text/html" not in request.headers.get("Accept", "").lower():
            return await self._otherwise(request)
        return web.Response(body=self._page.body, headers=self._page.headers)


@cache
def _read() -> _Page:
    text = page_part("emulator.http", "page.html")
    text = text.replace("{{style}}", shared_style()).replace("{{script}}", shared_script())
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": _policy(text),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        # The page of the emulator that listens here, not of the one that did yesterday.
        "Cache-Control": "no-store",
        "Vary": "Accept",
    }
    return _Page(text.encode(), headers)


def _policy(text: str) -> str:
    """What the page may do: the script and the styles in it, by their hashes, and fetch from here.

    Trusted types make the browser refuse to take any string for HTML, whatever the script does.
    """
    hashes: dict[str, list[str]] = {"style": [], "script": []}
    for kind, inline in INLINE.findall(text):
        hashes[kind].append(policy_hash(inline))
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(hashes['script'])}",
            f"style-src {' '.join(hashes['style'])}",
            "img-src data: blob: 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )
