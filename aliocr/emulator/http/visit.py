"""One request on its way through an operation, and the forms in which the service replies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import attrs
from aiohttp import web

from aliocr.emulator.access.account import Account
from aliocr.emulator.access.operations import Operation
from aliocr.emulator.access.refusal import Refusal
from aliocr.emulator.calls import Call
from aliocr.emulator.http.xml import XML, xml_parts
from aliocr.emulator.instructions import HttpReply
from aliocr.protocol import wire

JSON = "application/json;charset=utf-8"


@attrs.define(eq=False)
class Visit:
    """A request that has passed the gateway.

    Attributes:
        request: The request as aiohttp gives it.
        call: Its record.
        account: The account that signed it.
        operation: The operation that it asks for.
        granted: Number of its first images that the account's quota allows. The endpoint releases
            so many images when the reply is ready; a service that reads on later sets it to 0.
    """

    request: web.Request
    call: Call
    account: Account
    operation: Operation
    granted: int = 0

    @property
    def base_url(self) -> str:
        """The address at which the client reached the emulator, without a path."""
        return f"{self.request.scheme}://{host_of(self.request)}"

    @property
    def wants_xml(self) -> bool:
        """True if the client accepts XML, but not JSON."""
        return wants_xml(self.request)


Serve: TypeAlias = Callable[[Visit], Awaitable[HttpReply]]
"""Replies to one request whose body is decoded."""

Decode: TypeAlias = Callable[[bytes, Call], Serve]
"""Decodes and records the body of a request to one operation, and returns what replies to it.

It raises `BadRequest` for a body that the service answers with code 400.
"""


def host_of(request: web.Request) -> str:
    """Return the header `Host`; bytes that are not UTF-8 are replaced, as JSON has no such text."""
    return request.headers.get("Host", "").encode(errors="replace").decode()


def wants_xml(request: web.Request) -> bool:
    """Return True if the client has an `Accept` header without JSON."""
    accept = request.headers.get("Accept", "").lower().strip()
    return bool(accept) and "json" not in accept


def refused(refusal: Refusal, request: web.Request, call: Call) -> HttpReply:
    """Return the reply for a refusal, by the gateway or by the service."""
    body = wire.encode_refusal(
        refusal.code, refusal.message, request_id=call.request_id, host=host_of(request)
    )
    reply = in_form(body, request, call)
    return attrs.evolve(
        reply, status=refusal.status, code=refusal.code, retry_after=refusal.retry_after
    )


def in_form(body: bytes, request: web.Request, call: Call) -> HttpReply:
    """Return the good reply with a short body in JSON, in XML if the client wants it."""
    if not wants_xml(request):
        return HttpReply(wire.OK, (body,), JSON, wire.OK)
    return HttpReply(wire.OK, tuple(xml_parts(body, action=call.operation)), XML, wire.OK)
