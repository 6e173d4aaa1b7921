"""Protection of the emulator's own paths against cross-site requests and DNS rebinding.

Any page in a developer's browser can send requests to this machine. The page cannot read the
answers, but the requests have effects. So a request with the `Origin` of another page is refused.
Programs other than browsers send no `Origin`, and are not refused for this reason.

The owner of a public name could make the name point to this machine. Then the browser would treat
the owner's page and the emulator as the same origin. So a request is also refused if its `Host` is
a public name.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

OWN = "/_emulator/"
"""Start of the emulator's own paths; all other paths belong to the service's API."""

SAFE = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing. Any page may use them, because it cannot read the answers."""

PRIVATE = (".localhost", ".local", ".internal", ".test", ".home.arpa")
"""Endings of host names that no public name server serves. Source: RFC 6761, 6762, 8375; ICANN."""


@web.middleware
async def same_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse cross-site requests for the emulator's own paths with 403."""
    words = objection(request) if request.path.startswith(OWN) else ""
    if not words:
        return await handler(request)
    return json_answer({"error": words}, 403)


def json_answer(value: object, status: int = 200) -> web.Response:
    """Return the value as a JSON answer of the emulator's own paths."""
    body = msgspec.json.encode(value)
    return web.Response(status=status, body=body, content_type="application/json")


def objection(request: web.Request) -> str:
    """Return the reason to refuse the request, as text; empty if the request is allowed."""
    host = request.headers.get("Host", "").lower()
    if host and not _is_private(host):
        return (
            f"the emulator's own pages are not available under the name {host[:100]!r}; "
            "use an IP address, or a name without a dot"
        )
    origin = request.headers.get("Origin")
    if request.method in SAFE or origin is None:
        return ""
    try:
        page = urlsplit(origin.lower()).netloc  # empty for the origin `null`
    except ValueError:
        page = ""
    return "" if page and page == host else f"a page of {origin[:100]!r} may not use this emulator"


def _is_private(host: str) -> bool:
    """Return True for an IP address, or a name that only the local network can resolve."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "." not in name or name.endswith(PRIVATE)
    return True
