"""The landing page: one file, sent with a policy that allows its own script and nothing else.

The page is static and fetches its data from the emulator's own paths; see `same_origin`.
"""

from __future__ import annotations

import re
from functools import cache

from aiohttp import web
from aiohttp.typedefs import Handler

from aliocr.pictures.pages import page_part, policy_hash, shared_script, shared_style

INLINE = re.compile(r"<(style|script)>(.*?)</\1>", re.DOTALL)


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
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": _policy(text),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        # Another emulator may have listened at this address yesterday.
        "Cache-Control": "no-store",
        "Vary": "Accept",
    }
    return text.encode(), headers


def _policy(text: str) -> str:
    """Return the content security policy: inline script and styles by hash, fetches from here.

    With trusted types the browser refuses to parse any string as HTML, whatever the script does.
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
