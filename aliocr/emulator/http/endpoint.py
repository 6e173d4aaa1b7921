"""The endpoint: checks if an HTTP request may pass, lets its operation serve it, and replies."""

from __future__ import annotations

import asyncio
import logging
import traceback
import uuid
from collections.abc import Mapping

import attrs
from aiohttp import web

from aliocr.checks import is_count, is_number
from aliocr.emulator.access import checks
from aliocr.emulator.access.accounts import Accounts
from aliocr.emulator.access.operations import OPERATIONS, Operation
from aliocr.emulator.access.refusal import Refusal
from aliocr.emulator.access.request import RawRequest
from aliocr.emulator.calls import Call
from aliocr.emulator.chaos import ConnectionFault
from aliocr.emulator.fairness import LoopSlices
from aliocr.emulator.http.body import BodyError, read_body
from aliocr.emulator.http.image_scan import ANSWERING
from aliocr.emulator.http.in_flight import InFlight
from aliocr.emulator.http.log_line import LogLine
from aliocr.emulator.http.reply_writer import response
from aliocr.emulator.http.visit import Decode, Serve, Visit, refused
from aliocr.emulator.instructions import HttpReply, Instructions, RequestFault
from aliocr.protocol import signing
from aliocr.protocol.wire import BadRequest
from aliocr.redaction import without_queries

_log = logging.getLogger("aliocr.emulator")


def check_bounds(deadline: float | None, max_calls: int | None) -> None:
    """Raise ValueError if an argument of an `Endpoint` is too small or not a number."""
    if deadline is not None and not (is_number(deadline) and deadline > ANSWERING):
        raise ValueError(f"deadline must be above {ANSWERING} s, or None, not {deadline!r}")
    if max_calls is not None and not is_count(max_calls, 1):
        raise ValueError(f"max_calls must be 1 or more, or None, not {max_calls!r}")


class Endpoint:
    """Handles the requests of one emulator; the last three arguments are as in `Emulator`.

    `decoders` has, for each operation, what decodes the body of a request.
    """

    def __init__(
        self,
        accounts: Accounts,
        instructions: Instructions,
        decoders: Mapping[Operation, Decode],
        slices: LoopSlices,
        in_flight: InFlight,
        *,
        calls: list[Call],
        max_calls: int | None,
        brief_calls: bool,
    ) -> None:
        self._accounts = accounts
        self._instructions = instructions
        self._decoders = decoders
        self._calls = calls
        self._max_calls = max_calls
        self._brief_calls = brief_calls
        self._slices = slices
        self._in_flight = in_flight

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Record the request, then return the reply, also to a bad request."""
        request_id = str(uuid.uuid4()).upper()
        call = Call(_loop_time(), request_id, request.method, request.rel_url.raw_path)
        self._calls.append(call)
        if self._max_calls is not None:
            del self._calls[: -self._max_calls]
        self._in_flight.join()
        try:
            reply = await self._reply(request, call)
            headers = self._headers(reply)
        except Exception:  # noqa: BLE001 (the client gets a reply in the service's form)
            # The queries of URLs are removed, because a query may give access to the image.
            words = without_queries(traceback.format_exc())
            _log.error("an error in the emulator made a request fail\n%s", words)
            reply = refused(Refusal.of("InternalError"), request, call)
            headers = self._headers(reply)
        except asyncio.CancelledError:
            # The client left before the reply, or the emulator stops.
            self._close(call)
            raise
        if reply.broken is not ConnectionFault.DROP:
            call.status, call.code, call.answered = reply.status, reply.code, _loop_time()
        self._close(call, reply.broken)
        return await _send(reply, headers, request)

    def _close(self, call: Call, broken: ConnectionFault | None = None) -> None:
        """Log the finished request, and make its record brief if `brief_calls` is set."""
        _log.info("%s", LogLine.of(call, seconds=_loop_time() - call.arrived, broken=broken))
        if self._brief_calls:
            call.make_brief()

    async def _reply(self, request: web.Request, call: Call) -> HttpReply:
        try:
            body = await read_body(request)
        except BodyError as error:
            refusal = Refusal.of("InvalidParameter.Format", f"The {error}.")
            return refused(refusal, request, call)
        async with self._slices.take(call.request_id):
            admitted = self._admit(request, body, call)
        if isinstance(admitted, Refusal):
            return refused(admitted, request, call)
        visit, serve = admitted
        fault = self._instructions.next_fault(visit.operation, call.tasks)
        delay = self._instructions.next_delay(visit.operation)
        reads = not isinstance(serve, Refusal) and not isinstance(fault, Refusal | HttpReply)
        granted = visit.account.take_images(len(call.tasks) if reads else 0, _loop_time())
        visit.granted = granted
        try:
            reply = await self._serve(visit, serve, fault)
            await asyncio.sleep(delay)
        finally:
            visit.account.release_images(visit.granted)
        return reply

    def _admit(
        self, request: web.Request, body: bytes, call: Call
    ) -> tuple[Visit, Serve | Refusal] | Refusal:
        """Return the gateway's refusal, if the request does not pass the gateway.

        If the request passes, return it with its account, and either what serves it or the
        service's refusal.
        """
        received = RawRequest(
            method=request.method,
            path=request.rel_url.raw_path,
            query_string=request.rel_url.raw_query_string,
            fields=tuple(request.headers.items()),
            body=body,
        )
        account = checks.authenticate(received, self._accounts, now=self._instructions.now())
        if isinstance(account, Refusal):
            return account
        # The body is decoded and recorded only after the check of the signature, because this costs
        # time and memory.
        operation = OPERATIONS[received.path]
        call.account, call.operation = account.uid, operation.action
        serve: Serve | Refusal
        try:
            decoded = self._decoders[operation](body, call)
        except BadRequest as error:
            serve = Refusal.of(400, str(error))
        else:
            serve = account.check_state() or decoded
        refusal = checks.check_rate(account, operation, moment=_loop_time())
        return refusal or (Visit(request, call, account, operation), serve)

    async def _serve(
        self, visit: Visit, serve: Serve | Refusal, fault: RequestFault | None
    ) -> HttpReply:
        """Return the reply to a request that passed the gateway."""
        if fault is ConnectionFault.HANG:
            # Wait until the client leaves or the emulator stops, because both cancel this task.
            await asyncio.Event().wait()
        if isinstance(fault, Refusal):
            return refused(fault, visit.request, visit.call)
        if isinstance(fault, HttpReply):
            return fault
        if isinstance(serve, Refusal):
            reply = refused(serve, visit.request, visit.call)
        else:
            reply = await serve(visit)
        return attrs.evolve(reply, broken=fault)

    def _headers(self, reply: HttpReply) -> dict[str, str]:
        headers = {"Content-Type": reply.content_type}
        if reply.code is not None:
            headers["Date"] = signing.http_date(self._instructions.now())
        if reply.retry_after is not None:
            headers["x-acs-retry-after"] = f"{1000 * reply.retry_after:.0f}"
        return headers


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


async def _send(
    reply: HttpReply, headers: dict[str, str], request: web.Request
) -> web.StreamResponse:
    """Return the response for the reply, or produce the fault of the connection."""
    match reply.broken:
        case None:
            return response(reply.status, reply.parts, headers)
        case ConnectionFault.DROP:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        case ConnectionFault.CUT:
            half = response(reply.status, reply.half, headers, length=reply.length)
            half.force_close()
            return half
        case _:  # STALL; a request with HANG never gets here
            begun = web.StreamResponse(status=reply.status, headers=headers)
            begun.content_length = reply.length
            await begun.prepare(request)
            for part in reply.half:
                await begun.write(part)
            # Wait until the client leaves or the emulator stops, because both cancel this task.
            await asyncio.Event().wait()
            return begun
