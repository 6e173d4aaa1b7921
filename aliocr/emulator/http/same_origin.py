"""Who may use the emulator's own pages: nobody whom a developer's browser was sent by.

Whatever page a developer looks at can have the browser send requests to this machine. It cannot
read the answers, but what it sends is done. So a request of another page's is refused, which the
browser marks with `Origin`; and so are names that somebody else's name server could let point here,
for under such a name a foreign page is no foreign page. Programs send no `Origin` and any `Host`.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

OWN = "/_emulator/"
"""The emulator's own paths begin so; all others are the service's, which has its own checks."""

SAFE = ("GET", "HEAD", "OPTIONS")
"""Change nothing, and a foreign page cannot read their answers."""

PRIVATE = (".localhost", ".local", ".internal", ".test", ".home.arpa")
"""Ends of names that no public name server gives out. Source: RFC 6761, 6762, 8375; ICANN."""


@web.middleware
async def same_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer requests for the emulator's own paths with 403 where there is an objection."""
    words = objection(request) if request.path.startswith(OWN) else ""
    if not words:
        return await handler(request)
    return json_answer({"error": words}, 403)


def json_answer(value: object, status: int = 200) -> web.Response:
    """An answer of the emulator's own, which is none of the service's."""
    body = msgspec.json.encode(value)
    return web.Response(status=status, body=body, content_type="application/json")


def objection(request: web.Request) -> str:
    """Why a request must be refused, in words for people; empty if it need not be."""
    host = request.headers.get("Host", "").lower()
    if host and not _is_private(host):
        return (
            f"the emulator's own pages are not for {host[:100]!r}: "
            "reach it by an IP address, or by a name without a dot"
        )
    origin = request.headers.get("Origin")
    if request.method in SAFE or origin is None:
        return ""
    if _host_of(origin.lower()) != host:
        return f"a page of {origin[:100]!r} may not use this emulator"
    return ""


def _host_of(origin: str) -> str | None:
    """Host and port; None of what has none, such as the origin `null`."""
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None


def _is_private(host: str) -> bool:
    """Whether it is an address, or a name that only this machine or its network can have given."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "." not in name or name.endswith(PRIVATE)
    return True
