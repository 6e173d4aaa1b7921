"""The landing page: one file, sent with a policy that allows its own script and nothing else.

The page is static and fetches its data from the emulator's own paths; see `same_origin`.
"""

from __future__ import annotations

import re
from functools import cache

from aiohttp import web
from aiohttp.typedefs import Handler

from aliocr.pictures.html_parts import page_part, policy_hash, shared_script, shared_style

POLICY = (
    "default-src 'none'; script-src {script}; style-src {style}; img-src data: blob: 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""The content security policy: inline script and styles by hash, fetches from here. With trusted
types the browser refuses to parse any string as HTML, whatever the script does."""


def landing_page(otherwise: Handler) -> Handler:
    """Return a handler that sends the page to browsers; `otherwise` handles other clients."""
    body, headers = _page()

    async def show(request: web.Request) -> web.StreamResponse:
        # Browsers alone name `text/html`.
        if "text/html" not in request.headers.get("Accept", "").lower():
            return await otherwise(request)
        return web.Response(body=body, headers=headers)

    return show


@cache
def _page() -> tuple[bytes, dict[str, str]]:
    """Put the page together, and return it with its headers."""
    text = page_part("emulator.http", "page.html")
    text = text.replace("{{style}}", shared_style()).replace("{{script}}", shared_script())
    hashes: dict[str, str] = {}
    for kind, inline in re.findall(r"<(style|script)>(.*?)</\1>", text, re.DOTALL):
        hashes[kind] = f"{hashes.get(kind, '')} {policy_hash(inline)}".lstrip()
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": POLICY.format(**hashes),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        # Another emulator may have listened at this address yesterday.
        "Cache-Control": "no-store",
        "Vary": "Accept",
    }
    return text.encode(), headers
